import { type HostFigures, type HostReading, figuresBetween } from '../core/health/host-figures.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'

export interface MonitorParts {
  readonly clock: Clock
  readonly log: Logger
  readonly everyMs: number
  /** Reads how the host fares, with the disks below these roots. */
  readonly read: (roots: readonly string[]) => HostReading
  /** Gets the figures since the last time. */
  readonly onFigures: (atMs: number, figures: HostFigures) => void
}

/** Server monitoring of one host: tells its figures again and again while it is asked to. */
export class Monitor {
  readonly #parts: MonitorParts
  #roots: readonly string[] | null = null
  #before: HostReading | null = null
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>

  constructor(parts: MonitorParts) {
    this.#parts = parts
    this.#ended = this.#run()
  }

  /** Tells figures from now on, with the disks below these roots; null to be silent. */
  configure(roots: readonly string[] | null): void {
    this.#roots = roots
    if (roots === null) this.#before = null
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { clock, everyMs } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted) {
      if (this.#roots !== null) this.#measure(this.#roots)
      await clock.sleep(everyMs, signal)
    }
  }

  #measure(roots: readonly string[]): void {
    const { read, onFigures, log } = this.#parts
    try {
      const now = read(roots)
      if (this.#before !== null) onFigures(now.atMs, figuresBetween(this.#before, now))
      this.#before = now
    } catch (thrown) {
      log.warn('the host could not be measured', { error: thrown })
    }
  }
}
