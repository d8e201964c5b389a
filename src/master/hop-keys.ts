import { hkdfSync, randomBytes } from 'node:crypto'

const SECRET_BYTES = 32
const KEY_BYTES = 32

/** Makes the secret that all hop keys come from, as base64. */
export function createHopSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64')
}

/**
 * Gives the key of the plain hops between two servers, whichever way, as base64: HKDF-SHA-256 of the master's secret and
 * both ids, so that it needs no storing, and the keys of others say nothing about it.
 */
export function hopKey(secret: string, one: string, other: string): string {
  const pair = [one, other].toSorted().join(' ')
  const key = hkdfSync(
    'sha256',
    Buffer.from(secret, 'base64'),
    '',
    `cd hop key: ${pair}`,
    KEY_BYTES,
  )
  return Buffer.from(key).toString('base64')
}
