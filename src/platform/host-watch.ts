import type { TcpAnswers } from './tcp-answers.ts'

/** How often it is looked whether the other host answers. */
export const HOST_LOOK_MS = 250
/**
 * A host from which not even its kernel says a word for so long is gone, or the way to it: retransmissions come several
 * times within that, around half of the earth too. One whose disk or whose programs are slow still answers.
 */
const HOST_SILENT_MS = 1500
/** Between two looks more time than so many of their intervals is this process's own pause, not the other's. */
const LOOKS_MAX = 2
/** The kernel counts in ticks of its own. */
const ROUNDING_MS = 20

/** Counts for how long a host has not taken note of what was sent to it. */
export class HostWatch {
  #lookedAtMs: number
  #heardAtMs = -Infinity
  #silentMs = 0

  constructor(nowMs: number) {
    this.#lookedAtMs = nowMs
  }

  /** True once the host has been silent for too long. */
  isGone(nowMs: number, { isWaiting, heardMs }: TcpAnswers): boolean {
    const passedMs = Math.max(0, nowMs - this.#lookedAtMs)
    const countedMs = Math.min(passedMs, LOOKS_MAX * HOST_LOOK_MS)
    this.#lookedAtMs = nowMs
    // Clocks of two kinds, read one after the other.
    const hasSpoken = nowMs - heardMs > this.#heardAtMs + ROUNDING_MS
    this.#heardAtMs = Math.max(this.#heardAtMs, nowMs - heardMs)
    if (!isWaiting) this.#silentMs = 0
    else if (hasSpoken) this.#silentMs = Math.min(heardMs, countedMs)
    else this.#silentMs += countedMs
    return this.#silentMs >= HOST_SILENT_MS
  }
}
