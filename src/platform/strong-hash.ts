import type { StrongHash } from '../core/delta/block-hashes.ts'

const words = new DataView(new ArrayBuffer(16))
const bytesOfWords = new Uint8Array(words.buffer)

/**
 * XXH3 under two seeds, 128 bits: ten times as fast as SHA-256. Nobody's word is taken for a block: where two were made
 * to collide, the SHA-256 of the whole file shows it, and the file is sent whole.
 */
export const strongHash: StrongHash = (bytes, target, at) => {
  words.setBigUint64(0, Bun.hash.xxHash3(bytes, 0x9e37_79b9n))
  words.setBigUint64(8, Bun.hash.xxHash3(bytes, 0x85eb_ca6bn))
  target.set(bytesOfWords, at)
}
