import { type BitFilter, scramble } from './rolling-hash.ts'
import { STRONG_BYTES, type Signature } from './signature.ts'

/** Slots looked at for one hash at most: whoever made the signature may have made its hashes collide. */
const PROBES_MAX = 64
const FILTER_BITS_PER_BLOCK = 64
const FILTER_BITS_MAX = 26

/** Finds the blocks of a signature by their rolling hash. */
export class BlockTable {
  readonly filter: BitFilter
  readonly #signature: Signature
  /** Block index + 1; 0 is free. */
  readonly #slots: Int32Array
  readonly #shift: number
  readonly #salt: number

  /** `salt` is a random number of 32 bits that whoever made the signature does not know. */
  constructor(signature: Signature, salt: number) {
    this.#signature = signature
    this.#salt = salt
    const slotBits = bitsFor(signature.count * 2)
    this.#slots = new Int32Array(2 ** slotBits)
    this.#shift = 32 - slotBits
    const filterBits = Math.min(FILTER_BITS_MAX, bitsFor(signature.count * FILTER_BITS_PER_BLOCK))
    this.filter = { bits: new Uint8Array(2 ** (filterBits - 3)), shift: 32 - filterBits }
    for (let block = 0; block < signature.count; block++) this.#insert(block)
  }

  /** The first block with both lanes of this hash and the strong hash that `strongOf` gives; else NO_BLOCK or FALSE_HIT. */
  find(hash: { low: number; high: number }, strongOf: () => Uint8Array): number {
    const { low, high } = this.#signature
    let strong: Uint8Array | null = null
    for (let probe = 0, slot = this.#slotOf(hash.low); probe < PROBES_MAX; probe++) {
      const block = (this.#slots[slot] ?? 0) - 1
      if (block < 0) break
      if (low[block] === hash.low && high[block] === hash.high) {
        strong ??= strongOf()
        if (this.isStrong(block, strong)) return block
      }
      slot = (slot + 1) & (this.#slots.length - 1)
    }
    return strong === null ? NO_BLOCK : FALSE_HIT
  }

  /** Tells whether a block has this strong hash. */
  isStrong(block: number, strong: Uint8Array): boolean {
    const theirs = this.#signature.strong
    const from = block * STRONG_BYTES
    for (let index = 0; index < STRONG_BYTES; index++)
      if (theirs[from + index] !== strong[index]) return false
    return true
  }

  /** A block that is the same as one before is left out, and so is one for which there is no room nearby. */
  #insert(block: number): void {
    const { low, high, strong } = this.#signature
    const hash = low[block] ?? 0
    const from = block * STRONG_BYTES
    const bit = hash >>> this.filter.shift
    this.filter.bits[bit >>> 3] = (this.filter.bits[bit >>> 3] ?? 0) | (1 << (bit & 7))
    for (let probe = 0, slot = this.#slotOf(hash); probe < PROBES_MAX; probe++) {
      const other = (this.#slots[slot] ?? 0) - 1
      if (other < 0) {
        this.#slots[slot] = block + 1
        return
      }
      const isSame = low[other] === hash && high[other] === high[block]
      if (isSame && this.isStrong(other, strong.subarray(from, from + STRONG_BYTES))) return
      slot = (slot + 1) & (this.#slots.length - 1)
    }
  }

  #slotOf(low: number): number {
    return scramble(low ^ this.#salt) >>> this.#shift
  }
}

/** No block has this rolling hash. */
export const NO_BLOCK = -1
/** Some have the rolling hash, and none the strong one. */
export const FALSE_HIT = -2

function bitsFor(count: number): number {
  return Math.max(10, Math.ceil(Math.log2(count + 1)))
}
