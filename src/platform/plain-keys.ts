import { hkdfSync, timingSafeEqual } from 'node:crypto'

export const PLAIN_NONCE_BYTES = 32
export const PLAIN_PROOF_BYTES = 32
const FRAME_KEY_BYTES = 32
export const SEAL_NONCE_BYTES = 12

/** What seals the frames of one direction of one connection. */
export interface FrameKey {
  readonly key: Uint8Array
  /** The counter is added to it bit by bit. */
  readonly nonce: Uint8Array
}

/** What both ends of one plain connection make of the hop key; nobody else can, and no other connection has the same. */
export interface PlainKeys {
  readonly serverProof: Uint8Array
  readonly clientProof: Uint8Array
  readonly toServer: FrameKey
  readonly toClient: FrameKey
}

export interface PlainAgreement {
  readonly hopKey: Uint8Array
  /** The opening as it was sent: it names both servers and carries the client's nonce. */
  readonly opening: Uint8Array
  readonly serverNonce: Uint8Array
}

const SIZES = [
  PLAIN_PROOF_BYTES,
  PLAIN_PROOF_BYTES,
  FRAME_KEY_BYTES,
  SEAL_NONCE_BYTES,
  FRAME_KEY_BYTES,
  SEAL_NONCE_BYTES,
] as const

/** Derives the keys of one connection: HKDF-SHA-256 of the hop key, over who talks to whom and both sides' nonces. */
export function derivePlainKeys({ hopKey, opening, serverNonce }: PlainAgreement): PlainKeys {
  const totalBytes = SIZES.reduce<number>((sum, bytes) => sum + bytes, 0)
  const okm = new Uint8Array(hkdfSync('sha256', hopKey, serverNonce, opening, totalBytes))
  let offset = 0
  const take = (bytes: number): Uint8Array => okm.subarray(offset, (offset += bytes))
  return {
    serverProof: take(PLAIN_PROOF_BYTES),
    clientProof: take(PLAIN_PROOF_BYTES),
    toServer: { key: take(FRAME_KEY_BYTES), nonce: take(SEAL_NONCE_BYTES) },
    toClient: { key: take(FRAME_KEY_BYTES), nonce: take(SEAL_NONCE_BYTES) },
  }
}

/** Compares a proof in a time that says nothing about it. */
export function isProof(said: Uint8Array, due: Uint8Array): boolean {
  return said.length === due.length && timingSafeEqual(said, due)
}
