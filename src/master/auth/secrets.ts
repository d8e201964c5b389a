import { timingSafeEqual } from 'node:crypto'

/** How a secret shown once begins, so that a leaked one is recognized for what it is. */
export const API_TOKEN_PREFIX = 'cdm_'

const SECRET_BYTES = 32

/** A new unguessable secret: 256 bits, base64url. */
export function newSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString('base64url')
}

/** What is stored in a secret's place. It has 256 bits already, so one SHA-256 is enough. */
export function hashSecret(secret: string): string {
  return new Bun.CryptoHasher('sha256').update(secret).digest('hex')
}

/** Compares two texts in a time that says nothing about where they differ. */
export function equalSecrets(a: string, b: string): boolean {
  const left = new Bun.CryptoHasher('sha256').update(a).digest()
  const right = new Bun.CryptoHasher('sha256').update(b).digest()
  return timingSafeEqual(left, right)
}
