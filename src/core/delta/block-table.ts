import { STRONG_BYTES } from './block-hashes.ts'
import { type BitFilter, addToFilter, scramble } from './rolling-hash.ts'
import type { Signature } from './signature.ts'

/** Slots looked at for one hash at most: whoever made the signature may have made its hashes collide. */
const PROBES_MAX = 64
/** Blocks of one low lane at most: in honest signatures already two of them are rare. */
const ALIKE_MAX = 4
const FILTER_BITS_PER_BLOCK = 64
const FILTER_BITS_MAX = 26

/** What is looked for: the lanes of its weak hash, and its strong hash, each made only where all before it are equal. */
export interface Sought {
  readonly low: number
  high(): number
  strong(): Uint8Array
}

/** Finds the blocks of a signature by their hashes. */
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
    this.filter = {
      first: new Int32Array(2 ** (filterBits - 5)),
      second: new Int32Array(2 ** (filterBits - 5)),
      shift: 32 - filterBits,
    }
    for (let block = 0; block < signature.count; block++) this.#insert(block)
  }

  /** The first block that is equal in all hashes; else NO_BLOCK or FALSE_HIT. */
  find(sought: Sought): number {
    const { low, high } = this.#signature
    let soughtHigh: number | null = null
    let strong: Uint8Array | null = null
    for (let probe = 0, slot = this.#slotOf(sought.low); probe < PROBES_MAX; probe++) {
      const block = (this.#slots[slot] ?? 0) - 1
      if (block < 0) break
      if (low[block] === sought.low && high[block] === (soughtHigh ??= sought.high())) {
        strong ??= sought.strong()
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

  /** A block that is the same as one before is left out, and so is one that would make searches long. */
  #insert(block: number): void {
    const { low, high, strong } = this.#signature
    const hash = low[block] ?? 0
    const from = block * STRONG_BYTES
    addToFilter(this.filter, hash)
    let alike = 0
    for (let probe = 0, slot = this.#slotOf(hash); probe < PROBES_MAX; probe++) {
      const other = (this.#slots[slot] ?? 0) - 1
      if (other < 0) {
        this.#slots[slot] = block + 1
        return
      }
      if (low[other] === hash && ++alike === ALIKE_MAX) return
      const isSame = low[other] === hash && high[other] === high[block]
      if (isSame && this.isStrong(other, strong.subarray(from, from + STRONG_BYTES))) return
      slot = (slot + 1) & (this.#slots.length - 1)
    }
  }

  #slotOf(low: number): number {
    return scramble(low ^ this.#salt) >>> this.#shift
  }
}

/** No block has this weak hash. */
export const NO_BLOCK = -1
/** Some have the weak hash, and none the strong one. */
export const FALSE_HIT = -2

function bitsFor(count: number): number {
  return Math.max(10, Math.ceil(Math.log2(count + 1)))
}
