import type { RelPath } from '../path/rel-path.ts'

/** Files that are remembered as changing whenever they are read; of more, the oldest are forgotten. */
const RESTLESS_MAX = 10_000

/**
 * Files that could not be read because they changed while they were, again and again. Those that do so for long are sent as
 * far as their row says, as they are: else a log that somebody always writes to would never arrive. Milliseconds are of any
 * clock that does not jump.
 */
export class RestlessFiles {
  readonly #holdMaxMs: number
  /** Since when each was not read. */
  readonly #sinceMs = new Map<RelPath, number>()

  constructor(holdMaxMs: number) {
    this.#holdMaxMs = holdMaxMs
  }

  /** These changed while they were read. */
  changed(paths: readonly RelPath[], nowMs: number): void {
    for (const path of paths) {
      if (this.#sinceMs.has(path)) continue
      this.#sinceMs.set(path, nowMs)
      const [oldest] = this.#sinceMs.keys()
      if (this.#sinceMs.size > RESTLESS_MAX && oldest !== undefined) this.#sinceMs.delete(oldest)
    }
  }

  /** This one did not. */
  rested(path: RelPath): void {
    this.#sinceMs.delete(path)
  }

  /** Tells whether a file was waited for long enough. */
  has(path: RelPath, nowMs: number): boolean {
    if (this.#sinceMs.size === 0) return false
    const sinceMs = this.#sinceMs.get(path)
    return sinceMs !== undefined && nowMs - sinceMs >= this.#holdMaxMs
  }
}
