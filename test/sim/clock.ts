import type { Clock } from '../../src/platform/clock.ts'

/** File systems stamp times from a clock as coarse as this. */
const STAMP_MS = 4

/** Time that passes only when it is told to. */
export class SimClock implements Clock {
  #nowMs = 1_700_000_000_000

  nowMs(): number {
    return this.#nowMs
  }

  advance(deltaMs: number): void {
    this.#nowMs += deltaMs
  }

  advanceTo(timeMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, timeMs)
  }

  stampNs(): bigint {
    return BigInt(Math.floor(this.#nowMs / STAMP_MS) * STAMP_MS) * 1_000_000n
  }

  /** Nothing in the simulation waits by itself. */
  async sleep(): Promise<void> {}
}
