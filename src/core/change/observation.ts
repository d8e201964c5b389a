import type { Filter } from '../filter/filter.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { DeletionLimit } from './breaker.ts'
import type { EntryOperation, FileState } from './entry.ts'
import type { LookAt } from './pairing.ts'
import type { LookCause } from './row.ts'

/** What a look at the disk found at a path; `state` is null where nothing is there. */
export interface Observation {
  readonly path: RelPath
  readonly state: FileState | null
  readonly cause: LookCause
}

/** A path that leaves the view with everything below it. */
export interface Leaving {
  readonly path: RelPath
  readonly operation: Extract<EntryOperation, 'delete' | 'excluded'>
  /** It was met under another path: nothing is lost with it. */
  readonly isMoved?: boolean
}

export interface Recorded {
  /** Rows that got a new seq. */
  readonly changedCount: number
  /** Rows to be looked at once more when their ctime is older. */
  readonly racy: readonly RelPath[]
  /** Folders whose rows were too many for one transaction: hand them to `remove` until nothing is left. */
  readonly leaving: readonly Leaving[]
}

export interface JournalOptions {
  readonly filter: Filter
  /** Looks at the disk for a rename's old path. */
  readonly lookAt: LookAt
  /** How many files may leave before a person is asked; null for any number. */
  readonly deletionLimit: DeletionLimit | null
  /** Whether names of one file are kept so: a new name then has the hash of the others. */
  readonly keepsNames: boolean
  /** Rows that one transaction removes at most: bounds how long it takes. */
  readonly removeMax: number
}
