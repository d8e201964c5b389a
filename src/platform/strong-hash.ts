import type { StrongHash } from '../core/delta/block-hashes.ts'

const LOW_BITS = 0xffff_ffffn

/**
 * XXH3 under two seeds, 128 bits: ten times as fast as SHA-256. Nobody's word is taken for a block: where two were made
 * to collide, the SHA-256 of the whole file shows it, and the file is sent whole.
 */
export const strongHash: StrongHash = (bytes, target, at) => {
  writeU64(Bun.hash.xxHash3(bytes, 0x9e37_79b9n), target, at)
  writeU64(Bun.hash.xxHash3(bytes, 0x85eb_ca6bn), target, at + 8)
}

function writeU64(value: bigint, target: Uint8Array, at: number): void {
  let low = Number(value & LOW_BITS)
  let high = Number(value >> 32n)
  for (let index = 7; index >= 4; index--) {
    target[at + index] = low & 0xff
    low >>>= 8
  }
  for (let index = 3; index >= 0; index--) {
    target[at + index] = high & 0xff
    high >>>= 8
  }
}
