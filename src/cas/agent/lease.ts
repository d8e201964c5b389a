import type { Clock } from '../../platform/clock.ts'

/** Timers hold at most so long. */
const TIMER_MS_MAX = 1_000_000_000

/** Until when this agent may synchronize without hearing from a licensed master. */
export class Lease {
  readonly #clock: Clock
  readonly #onExpired: () => void
  #untilMs = 0
  #timer: ReturnType<typeof setTimeout> | null = null

  /** `onExpired` is called whenever a lease that held has ended. */
  constructor(clock: Clock, onExpired: () => void) {
    this.#clock = clock
    this.#onExpired = onExpired
  }

  /** Takes the newest word of the master; null ends the lease at once. */
  renew(until: string | null): void {
    const held = this.holds()
    this.#untilMs = until === null ? 0 : Date.parse(until)
    if (held && !this.holds()) this.#onExpired()
    this.#watch()
  }

  holds(): boolean {
    return this.#clock.nowMs() < this.#untilMs
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #watch(): void {
    this.stop()
    if (!this.holds()) return
    const leftMs = Math.min(this.#untilMs - this.#clock.nowMs(), TIMER_MS_MAX)
    this.#timer = setTimeout(() => {
      if (this.holds()) this.#watch()
      else this.#onExpired()
    }, leftMs)
  }
}
