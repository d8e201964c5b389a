import { AppError } from '../core/base/errors.ts'
import type { Gap } from '../core/change/gaps.ts'
import type { Observation } from '../core/change/observation.ts'
import { type ScanStep, scan } from '../core/change/scan.ts'
import { type RelPath, ROOT, isBelow, parent } from '../core/path/rel-path.ts'
import {
  MISSING_MAX,
  RECORD_ROWS_MAX,
  SCAN_SLICE_MS_MAX,
  SCAN_SLICE_MS_MIN,
} from './detection-limits.ts'
import type { Recorder } from './recorder.ts'
import { type SourceParts, scanOptions, unreadableGap } from './source-parts.ts'

/** One scan of a folder, taken in slices so that hints are dealt with in between. */
export class ScanRun {
  readonly folder: RelPath
  readonly startedMs: number
  readonly #parts: SourceParts
  readonly #recorder: Recorder
  readonly #steps: Iterator<ScanStep>
  readonly #unreadable: Gap[] = []
  #missing: RelPath[] = []
  #newFolders: RelPath[] = []
  #recordMs = 0

  /** Throws where the root is not the known one; then nothing was begun. */
  constructor(parts: SourceParts, recorder: Recorder, folder: RelPath) {
    const { disk, journal, clock, buffer, gaps } = parts
    disk.check(journal.state.root)
    this.folder = folder
    this.startedMs = clock.nowMs()
    this.#parts = parts
    this.#recorder = recorder
    gaps.startRescan(folder)
    this.#steps = this.#all()
    // Their mtimes may have changed with what was lost.
    for (let above = parent(folder); above !== null; above = parent(above)) {
      buffer.addLook(above)
    }
  }

  /** Goes on for a slice of time; true when the scan is done and its gaps are closed. */
  async slice(): Promise<boolean> {
    const isDone = this.#takeSteps()
    if (!isDone && this.#missing.length < MISSING_MAX) return false
    await this.#recorder.recordMissing(this.#missing.splice(0))
    if (!isDone) return false
    const { disk, journal, gaps } = this.#parts
    disk.check(journal.state.root)
    gaps.finishRescan(this.#unreadable)
    return true
  }

  /** Folders met since the last call of which the journal did not know, each for everything below it. */
  takeNewFolders(): readonly RelPath[] {
    return this.#newFolders.splice(0)
  }

  /** Looks at the folder itself in the first slice, like at all else: the scan may rest before that. */
  *#all(): Generator<ScanStep> {
    const { disk, filter } = this.#parts
    const path = this.folder
    const state = disk.look(path)
    if (state === 'unreadable') return yield { kind: 'unreadable', path }
    if (state === null) {
      if (path === ROOT) throw new AppError('ROOT_MISSING', 'cannot scan: the root is gone')
      return yield { kind: 'missing', path }
    }
    yield { kind: 'seen', path, state }
    if (state.type === 'directory' && filter.letsThrough(path, 'folder'))
      yield* scan(path, scanOptions(this.#parts))
  }

  /** True when there are no more steps. What was seen is recorded before anyone else has a turn. */
  #takeSteps(): boolean {
    const untilMs = performance.now() + this.#sliceMs()
    const seen: Observation[] = []
    let isDone = false
    while (seen.length < RECORD_ROWS_MAX && performance.now() < untilMs) {
      const next = this.#steps.next()
      isDone = next.done === true
      if (next.done === true) break
      this.#take(next.value, seen)
    }
    const startedMs = performance.now()
    for (const { path } of this.#recorder.record(seen)) this.#missing.push(path)
    this.#recordMs = performance.now() - startedMs
    return isDone
  }

  /** Short, so that what was found goes out meanwhile; longer where the disk takes its time to record it. */
  #sliceMs(): number {
    return Math.min(SCAN_SLICE_MS_MAX, Math.max(SCAN_SLICE_MS_MIN, this.#recordMs))
  }

  #take(step: ScanStep, seen: Observation[]): void {
    switch (step.kind) {
      case 'seen':
        if (step.state.type === 'directory') this.#noteFolder(step.path)
        seen.push({ path: step.path, state: step.state, cause: 'scan' })
        return
      case 'missing':
        this.#missing.push(step.path)
        return
      case 'unreadable':
        this.#unreadable.push(unreadableGap(this.#parts, step.path))
        return
      case 'same':
        return
    }
  }

  #noteFolder(path: RelPath): void {
    const last = this.#newFolders.at(-1)
    if (last !== undefined && isBelow(path, last)) return
    if (this.#parts.journal.row(path)?.state?.type !== 'directory') this.#newFolders.push(path)
  }
}
