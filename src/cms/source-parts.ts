import type { DetectBuffer } from '../core/change/detect-buffer.ts'
import type { Gaps } from '../core/change/gaps.ts'
import type { Journal } from '../core/change/journal.ts'
import type { ScanOptions } from '../core/change/scan.ts'
import type { Filter } from '../core/filter/filter.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import type { Clock } from '../platform/clock.ts'
import type { DetectionTimes } from './detection-limits.ts'
import type { SourceDisk } from './source-disk.ts'

/** What the workings of one source share: its disk, its journal, and what is known to be unknown. */
export interface SourceParts {
  readonly disk: SourceDisk
  readonly journal: Journal
  readonly buffer: DetectBuffer
  readonly gaps: Gaps
  readonly filter: Filter
  readonly clock: Clock
  readonly times: DetectionTimes
  /** Someone waits for everything that is on the disk now, files in the making too. */
  readonly isFlushing: () => boolean
  /** Said after each transaction. */
  readonly onRecorded: () => void
}

/** Notes that nobody can tell what is at a path, and that it is to be tried again later. */
export function noteUnreadable(parts: SourceParts, path: RelPath): void {
  parts.gaps.add(unreadableGap(parts, path))
}

/** The gap that a path leaves which cannot be read. */
export function unreadableGap({ clock, times }: SourceParts, path: RelPath) {
  const sinceMs = clock.nowMs()
  return { path, sinceMs, reason: 'it cannot be read', notBeforeMs: sinceMs + times.retryMs }
}

/** How the tree of a source is compared with its rows, below a folder that is in the view. */
export function scanOptions({ disk, filter, journal, clock }: SourceParts): ScanOptions {
  return {
    disk,
    isInView: (path, state) =>
      filter.letsThroughHere(path, state.type === 'directory' ? 'folder' : 'leaf'),
    rows: (folder, beyond, limit) => journal.liveBelow(folder, beyond, limit),
    nowMs: () => clock.nowMs(),
  }
}

/** Lets everything else have its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
