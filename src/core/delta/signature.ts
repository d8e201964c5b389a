import { type BlockHashes, STRONG_BYTES, type StrongHash } from './block-hashes.ts'
import { SIGNATURE_BLOCKS_MAX, blockCount, blockOffset } from './block-size.ts'
import { type DeltaSeed, WindowHash } from './rolling-hash.ts'

/** Of one block as it travels: the two lanes of the weak hash, big-endian, and the strong hash. */
export const SIGNED_BLOCK_BYTES = 8 + STRONG_BYTES

/** How blocks are made. */
export interface BlockShape {
  readonly blockBytes: number
  readonly seed: DeltaSeed
}

/** What is known of the blocks of one version of a file. They may overlap; `offsets` rise. */
export interface Signature extends BlockShape {
  readonly fileBytes: number
  readonly count: number
  readonly offsets: Float64Array
  readonly low: Int32Array
  readonly high: Int32Array
  readonly strong: Uint8Array
}

/** Signs stretches of a file, for one shape of blocks. */
export class BlockSigner {
  readonly shape: BlockShape
  readonly #window: WindowHash
  readonly #strong: StrongHash

  constructor(shape: BlockShape, hashes: BlockHashes) {
    this.shape = shape
    this.#window = new WindowHash(shape.blockBytes, shape.seed, hashes.weak)
    this.#strong = hashes.strong
  }

  /** Gives the blocks of a stretch as they travel. */
  sign(range: Uint8Array): Uint8Array {
    const { blockBytes } = this.shape
    const count = blockCount(range.length, blockBytes)
    const signed = new Uint8Array(count * SIGNED_BLOCK_BYTES)
    const view = new DataView(signed.buffer)
    for (let index = 0; index < count; index++) {
      const from = blockOffset(index, range.length, blockBytes)
      const at = index * SIGNED_BLOCK_BYTES
      const { low, high } = this.#window.at(range, from)
      view.setInt32(at, low)
      view.setInt32(at + 4, high)
      this.#strong(range.subarray(from, from + blockBytes), signed, at + 8)
    }
    return signed
  }
}

/** Collects a signature block by block; grows by doubling, to SIGNATURE_BLOCKS_MAX. */
export class SignatureBuilder {
  readonly #shape: BlockShape
  #count = 0
  #offsets: Float64Array
  #low: Int32Array
  #high: Int32Array
  #strong: Uint8Array

  constructor(shape: BlockShape, expectedCount = 64) {
    this.#shape = shape
    const room = Math.min(Math.max(expectedCount, 1), SIGNATURE_BLOCKS_MAX)
    this.#offsets = new Float64Array(room)
    this.#low = new Int32Array(room)
    this.#high = new Int32Array(room)
    this.#strong = new Uint8Array(room * STRONG_BYTES)
  }

  /** Adds the signed blocks of the stretch of `rangeBytes` that begins at `offset` of the file. */
  addRange(signed: Uint8Array, range: { offset: number; bytes: number }): void {
    const { blockBytes } = this.#shape
    const view = new DataView(signed.buffer, signed.byteOffset, signed.byteLength)
    const count = Math.floor(signed.length / SIGNED_BLOCK_BYTES)
    for (let index = 0; index < count; index++) {
      const at = index * SIGNED_BLOCK_BYTES
      const offset = range.offset + blockOffset(index, range.bytes, blockBytes)
      const slot = this.#next(offset)
      if (slot === null) return
      this.#low[slot] = view.getInt32(at)
      this.#high[slot] = view.getInt32(at + 4)
      this.#strong.set(signed.subarray(at + 8, at + SIGNED_BLOCK_BYTES), slot * STRONG_BYTES)
    }
  }

  /** Adds a block of another signature as it lies in this file. */
  addBlock(of: Signature, index: number, offset: number): void {
    const slot = this.#next(offset)
    if (slot === null) return
    this.#low[slot] = of.low[index] ?? 0
    this.#high[slot] = of.high[index] ?? 0
    const from = index * STRONG_BYTES
    this.#strong.set(of.strong.subarray(from, from + STRONG_BYTES), slot * STRONG_BYTES)
  }

  build(fileBytes: number): Signature {
    const count = this.#count
    return {
      ...this.#shape,
      fileBytes,
      count,
      offsets: this.#offsets.slice(0, count),
      low: this.#low.slice(0, count),
      high: this.#high.slice(0, count),
      strong: this.#strong.slice(0, count * STRONG_BYTES),
    }
  }

  #next(offset: number): number | null {
    if (this.#count === SIGNATURE_BLOCKS_MAX) return null
    if (this.#count === this.#offsets.length) this.#grow()
    this.#offsets[this.#count] = offset
    return this.#count++
  }

  #grow(): void {
    const room = Math.min(this.#offsets.length * 2, SIGNATURE_BLOCKS_MAX)
    const before = [this.#offsets, this.#low, this.#high, this.#strong] as const
    this.#offsets = new Float64Array(room)
    this.#low = new Int32Array(room)
    this.#high = new Int32Array(room)
    this.#strong = new Uint8Array(room * STRONG_BYTES)
    this.#offsets.set(before[0])
    this.#low.set(before[1])
    this.#high.set(before[2])
    this.#strong.set(before[3])
  }
}

/** Memory that a signature takes, in bytes. */
export function signatureBytes(signature: Signature): number {
  return signature.count * (8 + SIGNED_BLOCK_BYTES)
}
