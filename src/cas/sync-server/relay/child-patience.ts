import type { RelayTimes } from './options.ts'

/** What of the time that a stream takes one child may hold it up. */
const HOLD_SHARE = 0.1
/** Between two looks more time than so many of their intervals is this process's own pause, not the child's. */
const LOOKS_MAX = 10

export interface ChildMoment {
  readonly nowMs: number
  /** What the others wait for. */
  readonly owes: 'answer' | 'end' | 'nothing'
  readonly isHeld: boolean
}

/** Tells when a child has been waited for long enough. */
export class ChildPatience {
  readonly #times: RelayTimes
  /** Hops below the child, plus one. */
  readonly #factor: number
  #lookedAtMs: number
  #streamMs = 0
  #heldMs = 0
  #idleMs = 0

  constructor(times: RelayTimes, start: { readonly height: number; readonly nowMs: number }) {
    this.#times = times
    this.#factor = start.height + 1
    this.#lookedAtMs = start.nowMs
  }

  /** Something went to the child or came from it. */
  moved(): void {
    this.#idleMs = 0
  }

  /** Gives why the child is to be dropped, or null. */
  judge({ nowMs, owes, isHeld }: ChildMoment): string | null {
    // A clock that was set tells nothing about the child, and neither does a time in which nobody looked.
    const passedMs = Math.max(0, nowMs - this.#lookedAtMs)
    const countedMs = Math.min(passedMs, LOOKS_MAX * this.#times.lookMs)
    this.#lookedAtMs = nowMs
    this.#streamMs += countedMs
    this.#idleMs += countedMs
    if (isHeld) this.#heldMs += countedMs
    const holdMs = this.#times.holdMs * this.#factor + HOLD_SHARE * this.#streamMs
    if (this.#heldMs > holdMs) return `it held the stream up for ${this.#heldMs} ms`
    const limitMs = { answer: this.#times.answerMs, end: this.#times.tailMs, nothing: Infinity }
    return this.#idleMs > limitMs[owes] ? `no answer in ${this.#idleMs} ms` : null
  }
}
