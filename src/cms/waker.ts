import type { Clock } from '../platform/clock.ts'

/** Lets a loop sleep until a time or until it is woken. A wake that comes before the sleep is not lost. */
export class Waker {
  readonly #clock: Clock
  #isAwake = false
  #sleeping: AbortController | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wake(): void {
    this.#isAwake = true
    this.#sleeping?.abort()
  }

  /** Null sleeps until the wake, however late. */
  async sleepUntil(dueMs: number | null): Promise<void> {
    if (!this.#isAwake) {
      this.#sleeping = new AbortController()
      const delayMs = dueMs === null ? LONG_MS : Math.max(0, dueMs - this.#clock.nowMs())
      await this.#clock.sleep(Math.min(LONG_MS, delayMs), this.#sleeping.signal)
      this.#sleeping = null
    }
    this.#isAwake = false
  }
}

/** Timers hold less than 2^31 ms; waking in vain once in a while costs nothing. */
const LONG_MS = 60_000
