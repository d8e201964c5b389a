import { STRONG_BYTES, type StrongHash } from '../core/delta/signature.ts'

const whole = new Uint8Array(32)

/** SHA-256, cut to 128 bits. */
export const strongHash: StrongHash = (bytes, target, at) => {
  Bun.SHA256.hash(bytes, whole)
  for (let index = 0; index < STRONG_BYTES; index++) target[at + index] = whole[index] ?? 0
}
