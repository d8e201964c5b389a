import type { OutboundRow } from '../apply/outbound.ts'
import type { ContentHash } from '../change/entry.ts'
import type { BlockHashes } from '../delta/block-hashes.ts'
import { type DeltaOperation, Matcher } from '../delta/matcher.ts'
import { NextSignature } from '../delta/next-signature.ts'
import type { Signature } from '../delta/signature.ts'
import { type ReadOutcome, type Reading, readSteps } from './file-reading.ts'
import { Refinements } from './fine-literals.ts'
import { BUSY } from './sender-ports.ts'

/** Operations of one delta at most; what comes after goes as it is. */
const OPERATIONS_MAX = 200_000

export interface SharedDeltaOptions {
  /** With a buffer of its own. */
  readonly reading: Reading
  readonly row: OutboundRow
  readonly signature: Signature
  readonly hashes: BlockHashes
  readonly salt: number
  /** Gets the signature of the new version. */
  readonly keep: (hash: ContentHash, signature: Signature) => void
}

/**
 * The difference of a file to one older version, computed once whoever needs it: whichever sender has a turn brings it on
 * by a chunk, and all of them read the operations that are there.
 */
export class SharedDelta {
  readonly operations: DeltaOperation[] = []
  readonly refinements = new Refinements()
  readonly #steps: Generator<unknown, ReadOutcome>
  #outcome: ReadOutcome | null = null
  #isBroken = false

  constructor(options: SharedDeltaOptions) {
    this.#steps = this.#run(options)
  }

  /** What became of reading the file, once it was read to its end. */
  get outcome(): ReadOutcome | null {
    return this.#outcome
  }

  /** True where the outcome will never come. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Works on one more chunk. Errors of the tree that are not this file's come out as they were thrown. */
  advance(): void {
    if (this.#isBroken || this.#outcome !== null) return
    this.#isBroken = true
    const turn = this.#steps.next()
    this.#isBroken = false
    if (turn.done === true) this.#outcome = turn.value
  }

  /** Gives the file back where it was not read to its end. */
  close(): void {
    if (this.#outcome === null) this.#isBroken = true
    this.#steps.return({ kind: 'changed' })
  }

  *#run(options: SharedDeltaOptions): Generator<unknown, ReadOutcome> {
    const { reading, row, signature, hashes, salt } = options
    const next = new NextSignature(signature, hashes)
    const matcher = new Matcher({
      signature,
      hashes,
      salt,
      listener: {
        operation: (operation) => void this.operations.push(operation),
        block: (index, at) => next.block(index, at),
        unmatched: (...found) => next.unmatched(...found),
      },
    })
    let bytes = 0
    const outcome = yield* readSteps(reading, row, (chunk) => {
      bytes += chunk.length
      matcher.push(chunk)
      if (this.operations.length >= OPERATIONS_MAX) matcher.stop()
      return BUSY
    })
    matcher.finish()
    if (outcome.kind === 'read') options.keep(outcome.hash, next.build(bytes))
    return outcome
  }
}
