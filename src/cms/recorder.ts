import type { Leaving, Observation, Recorded } from '../core/change/observation.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { RECORD_ROWS_MAX } from './detection-limits.ts'
import { type SourceParts, nextTurn, noteUnreadable } from './source-parts.ts'

/** Puts observations into the journal, and has racy rows looked at again. */
export class Recorder {
  readonly #parts: SourceParts

  constructor(parts: SourceParts) {
    this.#parts = parts
  }

  /** Records what is there. All in one transaction: the caller bounds how many they are. */
  record(observations: readonly Observation[]): readonly Leaving[] {
    if (observations.length === 0) return []
    const { journal, clock, disk } = this.#parts
    const seen =
      disk.kinds === null ? observations : observations.flatMap((one) => this.#closely(one))
    return this.#done(journal.record(seen, clock.nowMs()))
  }

  /** Adds the attributes of what is there; what is there no more when they are read is told by another look. */
  #closely(observation: Observation): readonly Observation[] {
    const { path, cause } = observation
    if (observation.state === null) return [observation]
    const state = this.#parts.disk.lookClosely(path)
    if (state === 'unreadable') noteUnreadable(this.#parts, path)
    else if (state !== null) return [{ path, state, cause }]
    // Its row gets a newer seq in any case, which the caller counts on.
    return cause === 'forced' ? [observation] : []
  }

  /**
   * Looks once more at paths that nothing was found at, and records what is truly gone. Before anything is believed
   * gone, the root must be the known one, else this throws and nothing leaves.
   */
  async recordMissing(paths: readonly RelPath[]): Promise<void> {
    for (let start = 0; start < paths.length; start += RECORD_ROWS_MAX) {
      if (start > 0) await nextTurn()
      const looked = this.#lookAgain(paths.slice(start, start + RECORD_ROWS_MAX))
      this.#parts.disk.check(this.#parts.journal.state.root)
      await this.#removeRest(this.record(looked))
    }
  }

  async #removeRest(left: readonly Leaving[]): Promise<void> {
    const { journal, clock } = this.#parts
    for (let leaving = left; leaving.length > 0;) {
      await nextTurn()
      leaving = this.#done(journal.remove(leaving, clock.nowMs()))
    }
  }

  #lookAgain(paths: readonly RelPath[]): Observation[] {
    const looked: Observation[] = []
    for (const path of paths) {
      const state = this.#parts.disk.look(path)
      if (state === 'unreadable') noteUnreadable(this.#parts, path)
      else looked.push({ path, state, cause: 'scan' })
    }
    return looked
  }

  #done(recorded: Recorded): readonly Leaving[] {
    const { buffer, clock, onRecorded } = this.#parts
    const nowMs = clock.nowMs()
    for (const path of recorded.racy) buffer.addRacy(path, nowMs)
    if (recorded.changedCount > 0) onRecorded()
    return recorded.leaving
  }
}
