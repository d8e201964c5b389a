import type { RelayTimes } from './options.ts'

/** What of the time that a stream takes one child may hold it up. */
const HOLD_SHARE = 0.1

export interface ChildMoment {
  readonly nowMs: number
  /** What the others wait for. */
  readonly owes: 'answer' | 'end' | 'nothing'
  readonly isHeld: boolean
}

/** Tells when a child has been waited for long enough. */
export class ChildPatience {
  readonly #times: RelayTimes
  /** Hops below the child, plus one: whoever is nearest to the trouble loses patience first. */
  readonly #factor: number
  readonly #startedAtMs: number
  #movedAtMs: number
  #lookedAtMs: number
  #heldMs = 0

  constructor(times: RelayTimes, start: { readonly height: number; readonly nowMs: number }) {
    this.#times = times
    this.#factor = start.height + 1
    this.#startedAtMs = start.nowMs
    this.#movedAtMs = start.nowMs
    this.#lookedAtMs = start.nowMs
  }

  /** A frame went to the child or came from it. */
  moved(nowMs: number): void {
    this.#movedAtMs = nowMs
  }

  /** Gives why the child is to be dropped, or null. */
  judge({ nowMs, owes, isHeld }: ChildMoment): string | null {
    // A clock that was set tells nothing about the child.
    const passedMs = Math.min(Math.max(0, nowMs - this.#lookedAtMs), 10 * this.#times.lookMs)
    this.#lookedAtMs = nowMs
    if (isHeld) this.#heldMs += passedMs
    const holdMs = this.#times.holdMs * this.#factor + HOLD_SHARE * (nowMs - this.#startedAtMs)
    if (this.#heldMs > holdMs) return `it held the stream up for ${this.#heldMs} ms`
    const limitMs = { answer: this.#times.answerMs, end: this.#times.tailMs, nothing: Infinity }
    const idleMs = nowMs - this.#movedAtMs
    return idleMs > limitMs[owes] * this.#factor ? `no answer in ${idleMs} ms` : null
  }
}
