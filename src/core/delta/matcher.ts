import { type BlockHashes, STRONG_BYTES, type StrongHash } from './block-hashes.ts'
import { BlockTable, FALSE_HIT, NO_BLOCK, type Sought } from './block-table.ts'
import { RollingHash, WindowHash } from './rolling-hash.ts'
import type { Signature } from './signature.ts'
import { SlidingBuffer } from './sliding-buffer.ts'

/** A stretch of the new file at `at`: to be copied from the old one at `from`, or sent as it is. In bytes. */
export type DeltaOperation =
  | { readonly kind: 'copy'; readonly at: number; readonly from: number; readonly length: number }
  | { readonly kind: 'literal'; readonly at: number; readonly length: number }

/** Hears what the matcher finds, in order of the new file. */
export interface MatchListener {
  operation(operation: DeltaOperation): void
  /** A block of the old file lies at `at` of the new one. */
  block?(index: number, at: number): void
  /** Nothing lies here; `bytes` are valid until the call returns, and `history` those right before them. */
  unmatched?(bytes: Uint8Array, at: number, history: Uint8Array): void
}

/** An operation is told of when it is this long, in bytes, so that the other side has something to do meanwhile. */
const OPERATION_BYTES_MAX = 1 << 20
/** False hits that an honest signature may cause, as blocks beside a quarter of the file. */
const FALSE_HITS_FREE = 256

export interface MatcherOptions {
  readonly signature: Signature
  readonly hashes: BlockHashes
  /** Random, 32 bits. */
  readonly salt: number
  readonly listener: MatchListener
}

/**
 * Finds the blocks of an old file in a new one that comes in chunks, at any offset. After a match the next block is
 * tried first, then the one behind it, so that what did not change, or changed in its place, is never rolled over. Holds at most a literal and a few blocks of content.
 */
export class Matcher {
  readonly #signature: Signature
  readonly #listener: MatchListener
  readonly #strong: StrongHash
  readonly #table: BlockTable
  readonly #rolling: RollingHash
  readonly #buffer: SlidingBuffer
  readonly #hash = new Uint8Array(STRONG_BYTES)
  #position = 0
  #literalFrom = 0
  #expected = 0
  #isRolling = false
  #falseHits = 0
  #isStopped = false
  #run: Extract<DeltaOperation, { kind: 'copy' }> | null = null

  constructor(options: MatcherOptions) {
    this.#signature = options.signature
    this.#listener = options.listener
    this.#strong = options.hashes.strong
    this.#table = new BlockTable(options.signature, options.salt)
    const { blockBytes, seed } = options.signature
    this.#rolling = new RollingHash(new WindowHash(blockBytes, seed, options.hashes.weak))
    this.#buffer = new SlidingBuffer(blockBytes)
  }

  push(chunk: Uint8Array): void {
    this.#buffer.append(chunk, Math.min(this.#literalFrom, this.#position))
    while (this.#hasBlock) {
      if (this.#isHopeless) this.#pass()
      else this.#advance()
      this.#splitLiteral()
    }
  }

  /** Leaves everything that comes unmatched. */
  stop(): void {
    this.#isStopped = true
  }

  finish(): void {
    this.#position = this.#buffer.end
    this.#copyBefore(this.#signature.fileBytes, this.#signature.count)
    this.#endLiteral(this.#position)
    this.#endRun()
  }

  get #hasBlock(): boolean {
    return this.#position + this.#signature.blockBytes <= this.#buffer.end
  }

  /** A signature that hits and never matches was made to waste time; its cost is bounded by the file's size. */
  get #isHopeless(): boolean {
    const { blockBytes, count } = this.#signature
    return (
      this.#isStopped ||
      count === 0 ||
      (this.#falseHits - FALSE_HITS_FREE) * blockBytes > this.#position / 4
    )
  }

  /** Leaves what is here unmatched. */
  #pass(): void {
    this.#position = this.#buffer.end
    this.#isRolling = false
    this.#expected = NO_BLOCK
  }

  #advance(): void {
    if (!this.#isRolling && (this.#tryExpected() || this.#tryBehind())) return
    const { bytes } = this.#buffer
    const at = this.#buffer.indexOf(this.#position)
    if (!this.#isRolling) this.#rolling.start(bytes, at)
    this.#isRolling = true
    const end = this.#buffer.indexOf(this.#buffer.end)
    const stopped = this.#rolling.roll(bytes, { at, end }, this.#table.filter)
    this.#position += stopped - at
    if (!this.#hasBlock) return
    const block = this.#table.find(this.#sought)
    if (block !== NO_BLOCK && block !== FALSE_HIT) return this.#match(block)
    if (block === FALSE_HIT) this.#falseHits++
    this.#rolling.step(bytes, stopped)
    this.#position++
  }

  #tryExpected(): boolean {
    const { count } = this.#signature
    if (this.#expected < 0 || this.#expected >= count) return false
    if (!this.#table.isStrong(this.#expected, this.#strongAt(this.#position))) return false
    this.#match(this.#expected)
    return true
  }

  /** What was changed in its place ends with its block: the one behind it is tried before anything is rolled over. */
  #tryBehind(): boolean {
    const { blockBytes, offsets, count } = this.#signature
    const behind = this.#expected + 1
    const position = this.#position + blockBytes
    if (this.#expected < 0 || behind >= count || position + blockBytes > this.#buffer.end)
      return false
    if (offsets[behind] !== (offsets[this.#expected] ?? 0) + blockBytes) return false
    if (!this.#table.isStrong(behind, this.#strongAt(position))) return false
    this.#position = position
    this.#match(behind)
    return true
  }

  /** The block at the position, over which the hash rolls. */
  get #sought(): Sought {
    return {
      low: this.#rolling.low,
      high: () => this.#rolling.highAt(this.#buffer.bytes, this.#buffer.indexOf(this.#position)),
      strong: () => this.#strongAt(this.#position),
    }
  }

  #strongAt(position: number): Uint8Array {
    const at = this.#buffer.indexOf(position)
    const block = this.#buffer.bytes.subarray(at, at + this.#signature.blockBytes)
    this.#strong(block, this.#hash, 0)
    return this.#hash
  }

  #match(block: number): void {
    const { blockBytes, offsets } = this.#signature
    const from = offsets[block] ?? 0
    this.#copyBefore(from, block)
    this.#endLiteral(this.#position)
    this.#listener.block?.(block, this.#position)
    this.#copy({ kind: 'copy', at: this.#position, from, length: blockBytes })
    this.#position += blockBytes
    this.#literalFrom = this.#position
    this.#expected = this.#indexOfOffset(block, from + blockBytes)
    this.#isRolling = false
  }

  #indexOfOffset(after: number, offset: number): number {
    const { offsets, count } = this.#signature
    let index = after + 1
    while (index < count && (offsets[index] ?? 0) < offset) index++
    return offsets[index] === offset ? index : -1
  }

  /**
   * What is left between two matches is shorter than a block where it ends as some block of the old file does, which
   * only its overlap with the match before kept from being found: tries the block that ends at `end` of the old file.
   */
  #copyBefore(end: number, before: number): void {
    const { blockBytes, offsets } = this.#signature
    const length = this.#position - this.#literalFrom
    const start = this.#position - blockBytes
    if (length === 0 || length >= blockBytes || start < this.#buffer.start) return
    const block = before - 1
    if (offsets[block] !== end - blockBytes) return
    if (!this.#table.isStrong(block, this.#strongAt(start))) return
    this.#listener.block?.(block, start)
    this.#copy({ kind: 'copy', at: this.#literalFrom, from: end - length, length })
    this.#literalFrom = this.#position
  }

  #copy(copy: Extract<DeltaOperation, { kind: 'copy' }>): void {
    const run = this.#run
    const isLong = run !== null && run.length >= OPERATION_BYTES_MAX
    if (
      run !== null &&
      !isLong &&
      run.at + run.length === copy.at &&
      run.from + run.length === copy.from
    ) {
      this.#run = { ...run, length: run.length + copy.length }
      return
    }
    this.#endRun()
    this.#run = copy
  }

  #endRun(): void {
    if (this.#run !== null) this.#listener.operation(this.#run)
    this.#run = null
  }

  #splitLiteral(): void {
    while (this.#position - this.#literalFrom >= OPERATION_BYTES_MAX)
      this.#endLiteral(this.#literalFrom + OPERATION_BYTES_MAX)
  }

  #endLiteral(to: number): void {
    const length = to - this.#literalFrom
    if (length === 0) return
    this.#endRun()
    const { bytes, start } = this.#buffer
    const at = this.#buffer.indexOf(this.#literalFrom)
    const history = bytes.subarray(this.#buffer.indexOf(start), at)
    this.#listener.unmatched?.(bytes.subarray(at, at + length), this.#literalFrom, history)
    this.#listener.operation({ kind: 'literal', at: this.#literalFrom, length })
    this.#literalFrom = to
  }
}
