/** What the hash of every byte value is made from: signatures of different seeds cannot be compared. */
export interface DeltaSeed {
  readonly low: number
  readonly high: number
}

const MIX = 0x9e3779b9

/**
 * A rolling hash (buzhash) of a window in two lanes of 32 bits. `low` serves as the rolling checksum, `high` as the bits
 * that keep it from false hits in very large files. The window is one byte shorter than its block: over a length that is
 * a multiple of 32, the rotations of any content of a short period would cancel out.
 */
export class RollingHash {
  readonly windowBytes: number
  low = 0
  high = 0
  readonly #lowIn = new Int32Array(256)
  readonly #lowOut = new Int32Array(256)
  readonly #highIn = new Int32Array(256)
  readonly #highOut = new Int32Array(256)

  constructor(blockBytes: number, seed: DeltaSeed) {
    this.windowBytes = blockBytes - 1
    const turn = this.windowBytes & 31
    for (let value = 0; value < 256; value++) {
      const low = scramble(scramble(seed.low ^ Math.imul(value + 1, MIX)) ^ seed.high)
      const high = scramble(scramble(seed.high ^ Math.imul(value + 257, MIX)) ^ seed.low)
      this.#lowIn[value] = low
      this.#highIn[value] = high
      this.#lowOut[value] = (low << turn) | (low >>> (32 - turn))
      this.#highOut[value] = (high << turn) | (high >>> (32 - turn))
    }
  }

  /** Hashes the window at `at`. */
  start(bytes: Uint8Array, at: number): void {
    const lowIn = this.#lowIn
    const highIn = this.#highIn
    const end = at + this.windowBytes
    let low = 0
    let high = 0
    for (let position = at; position < end; position++) {
      const value = bytes[position] ?? 0
      low = ((low << 1) | (low >>> 31)) ^ (lowIn[value] ?? 0)
      high = ((high << 1) | (high >>> 31)) ^ (highIn[value] ?? 0)
    }
    this.low = low
    this.high = high
  }

  /**
   * Moves on from the window at `at`, byte by byte, while there is a block's length before `end` and `filter` says no;
   * gives where it stopped. A filter is a bitmap of the upper bits of `low`: 2 ** (32 - shift) bits.
   */
  roll(bytes: Uint8Array, range: { at: number; end: number }, filter: BitFilter): number {
    const lowIn = this.#lowIn
    const highIn = this.#highIn
    const lowOut = this.#lowOut
    const highOut = this.#highOut
    const { bits, shift } = filter
    const { windowBytes } = this
    const last = range.end - windowBytes - 1
    let { low, high } = this
    let { at } = range
    for (; at <= last; at++) {
      const bit = low >>> shift
      if ((((bits[bit >>> 3] ?? 0) >>> (bit & 7)) & 1) === 1) break
      const gone = bytes[at] ?? 0
      const come = bytes[at + windowBytes] ?? 0
      low = ((low << 1) | (low >>> 31)) ^ (lowOut[gone] ?? 0) ^ (lowIn[come] ?? 0)
      high = ((high << 1) | (high >>> 31)) ^ (highOut[gone] ?? 0) ^ (highIn[come] ?? 0)
    }
    this.low = low
    this.high = high
    return at
  }

  /** Moves the window at `at` on by one byte. */
  step(bytes: Uint8Array, at: number): void {
    const gone = bytes[at] ?? 0
    const come = bytes[at + this.windowBytes] ?? 0
    const { low, high } = this
    this.low = ((low << 1) | (low >>> 31)) ^ (this.#lowOut[gone] ?? 0) ^ (this.#lowIn[come] ?? 0)
    this.high =
      ((high << 1) | (high >>> 31)) ^ (this.#highOut[gone] ?? 0) ^ (this.#highIn[come] ?? 0)
  }
}

export interface BitFilter {
  readonly bits: Uint8Array
  readonly shift: number
}

/** Spreads the bits of a number (the finalizer of murmur3). */
export function scramble(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
