import { SEQ_RESERVATION } from '../base/limits.ts'
import type { JournalState } from './journal-store.ts'

/**
 * Gives seqs of one source in rising order. A number is given out only after the disk was promised it: what was told
 * to anyone can never be given a second meaning, even where the last transactions were lost.
 */
export class Sequence {
  #head: number
  #last: number
  #reserved: number

  constructor(state: Pick<JournalState, 'headSeq' | 'reservedSeq' | 'isClean'>) {
    this.#head = state.headSeq
    this.#reserved = state.reservedSeq
    this.#last = state.isClean ? state.headSeq : Math.max(state.headSeq, state.reservedSeq)
  }

  /** The last seq in use. */
  get head(): number {
    return this.#head
  }

  /** Seqs up to here must be durable before the ones given out are seen by anyone. */
  get reserved(): number {
    return this.#reserved
  }

  next(): number {
    this.#last += 1
    this.#head = this.#last
    if (this.#last > this.#reserved) this.#reserved = this.#last + SEQ_RESERVATION - 1
    return this.#last
  }
}
