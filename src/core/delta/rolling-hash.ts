import { type Lanes, WEAK_STEP_BYTES, type WeakHash } from './block-hashes.ts'

/** What blocks are hashed with: signatures of different seeds cannot be compared. */
export interface DeltaSeed {
  readonly low: number
  readonly high: number
}

const MIX = 0x9e3779b1
/** As many bytes are hashed anew in the time in which one is rolled over. */
const HASHED_PER_ROLLED = 4

/** The weak hash of the window of a block, wherever the block lies. */
export class WindowHash {
  /** Shorter than a block, so that a window can move on wherever there is a whole block. */
  readonly windowBytes: number
  readonly #bases: Lanes
  readonly #weak: WeakHash

  constructor(blockBytes: number, seed: DeltaSeed, weak: WeakHash) {
    this.windowBytes = blockBytes - WEAK_STEP_BYTES
    this.#bases = { low: baseOf(seed.low), high: baseOf(seed.high ^ MIX) }
    this.#weak = weak
  }

  get bases(): Lanes {
    return this.#bases
  }

  /** Hashes the window at `at`. */
  at(bytes: Uint8Array, at: number): Lanes {
    return this.#weak(bytes.subarray(at, at + this.windowBytes), this.#bases)
  }
}

/**
 * A weak hash that moves over bytes. `low` serves as the rolling checksum; the high lane, the bits that keep it from false
 * hits in very large files, follows when it is asked for.
 */
export class RollingHash {
  low = 0
  readonly #window: WindowHash
  /** By what a byte counts when it leaves the window. */
  readonly #gone: Lanes
  #high = 0
  /** Bytes by which the high lane is behind. */
  #lagBytes = 0

  constructor(window: WindowHash) {
    this.#window = window
    const { bases, windowBytes } = window
    this.#gone = { low: power(bases.low, windowBytes), high: power(bases.high, windowBytes) }
  }

  /** Hashes the window at `at`. */
  start(bytes: Uint8Array, at: number): void {
    const { low, high } = this.#window.at(bytes, at)
    this.low = low
    this.#high = high
    this.#lagBytes = 0
  }

  /**
   * Moves on from the window at `at`, byte by byte, while there is a block's length before `end` and `filter` says no;
   * gives where it stopped.
   */
  roll(bytes: Uint8Array, range: { at: number; end: number }, filter: BitFilter): number {
    const { first, second, shift } = filter
    const { windowBytes } = this.#window
    const base = this.#window.bases.low
    const gone = this.#gone.low
    const last = range.end - windowBytes - WEAK_STEP_BYTES
    let { low } = this
    let { at } = range
    for (; at <= last; at++) {
      if (isSet(first, low >>> shift) && isSet(second, Math.imul(low, MIX) >>> shift)) break
      const change = (bytes[at + windowBytes] ?? 0) - Math.imul(bytes[at] ?? 0, gone)
      low = (Math.imul(low, base) + change) | 0
    }
    this.low = low
    this.#lagBytes += at - range.at
    return at
  }

  /** Moves the window at `at` on by one byte. */
  step(bytes: Uint8Array, at: number): void {
    const come = bytes[at + this.#window.windowBytes] ?? 0
    const gone = Math.imul(bytes[at] ?? 0, this.#gone.low)
    this.low = (Math.imul(this.low, this.#window.bases.low) + come - gone) | 0
    this.#lagBytes++
  }

  /** The high lane of the window, which lies at `at`. */
  highAt(bytes: Uint8Array, at: number): number {
    const { windowBytes, bases } = this.#window
    const isFar = this.#lagBytes * HASHED_PER_ROLLED > windowBytes || this.#lagBytes > at
    if (isFar) this.#high = this.#window.at(bytes, at).high
    for (let from = isFar ? at : at - this.#lagBytes; from < at; from++) {
      const change = (bytes[from + windowBytes] ?? 0) - Math.imul(bytes[from] ?? 0, this.#gone.high)
      this.#high = (Math.imul(this.#high, bases.high) + change) | 0
    }
    this.#lagBytes = 0
    return this.#high
  }
}

/** Tells of a number in a set that it may be there: two bitmaps of 2 ** (32 - shift) bits, 32 to an element. */
export interface BitFilter {
  readonly first: Int32Array
  readonly second: Int32Array
  readonly shift: number
}

/** Adds a number to a filter. */
export function addToFilter({ first, second, shift }: BitFilter, low: number): void {
  for (const [bits, bit] of [
    [first, low >>> shift],
    [second, Math.imul(low, MIX) >>> shift],
  ] as const)
    bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << bit)
}

function isSet(bits: Int32Array, bit: number): boolean {
  return (((bits[bit >>> 5] ?? 0) >>> bit) & 1) === 1
}

/** Spreads the bits of a number (the finalizer of murmur3). */
export function scramble(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** Of the numbers modulo 2 ** 32, those that are 5 modulo 8 have the most different powers. */
function baseOf(seed: number): number {
  return (scramble(seed) & ~7) | 5
}

function power(base: number, exponent: number): number {
  let result = 1
  let square = base
  for (let rest = exponent; rest > 0; rest >>>= 1) {
    if ((rest & 1) === 1) result = Math.imul(result, square)
    square = Math.imul(square, square)
  }
  return result
}
