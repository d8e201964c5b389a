/** How detection is paced. All bounds of it in one place; tests shorten them. */
export interface DetectionTimes {
  /** Size and mtime of a file in the making must stay the same for so long. */
  readonly restMs: number
  /** A file that never rests, or that its writer keeps open, is looked at this often. */
  readonly holdMaxMs: number
  /** A racy row is looked at again after this time. */
  readonly racyMs: number
  /** A whole source is scanned this often, a quarter sooner or later, for what no watcher told. */
  readonly rescanMs: number
  /** The least time between scans of a source that cannot be watched; `SCAN_PAUSES` of a scan's length where that is more. */
  readonly unwatchedRescanMs: number
  /** What could not be read, and a root that is not there, are tried again after this time. */
  readonly retryMs: number
  /** Whether the root is still the known one is looked at this often: no event tells of what is mounted over it. */
  readonly rootCheckMs: number
  /** Reports of what only counts are sent at most this often. */
  readonly reportMs: number
}

export const DETECTION_TIMES: DetectionTimes = {
  restMs: 50,
  holdMaxMs: 10_000,
  racyMs: 25,
  rescanMs: 3_600_000,
  unwatchedRescanMs: 10_000,
  retryMs: 2000,
  rootCheckMs: 2000,
  reportMs: 1000,
}

/** Paths in a detect buffer; beyond that a rescan is cheaper than their memory. */
export const DETECT_PATHS_MAX = 100_000

/** Rows that one transaction records or removes: bounds how long it holds the thread. */
export const RECORD_ROWS_MAX = 4096

/** How long a scan may look around before it records what it saw and others have their turn, in milliseconds. */
export const SCAN_SLICE_MS_MIN = 2
export const SCAN_SLICE_MS_MAX = 15

/** How long looks may take before what they saw is recorded: many files fit in, and few where a filter is slow. */
export const LOOKS_MS_MAX = 200

/** Missing paths that a scan remembers until its end; beyond that it removes them at once, and renames are not seen. */
export const MISSING_MAX = 100_000

/** How often pages that are not full are told of a source that is looked through for the first time, in milliseconds. */
export const FIRST_PAGES_MS = 200

/** Pages on their way to the master that it has not confirmed. */
export const PAGES_UNCONFIRMED_MAX = 8

/** How long the journal of a source outlives its last complete look, once the source is watched no longer. */
export const JOURNAL_KEEP_MS = 60 * 86_400_000
