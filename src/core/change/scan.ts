import { type RelPath, isBelow } from '../path/rel-path.ts'
import { areOfKinds } from './attributes.ts'
import type { FileState } from './entry.ts'
import type { JournalRow } from './row.ts'
import { compare } from './row.ts'
import { inTreeOrder } from './tree-order.ts'
import { type MetInView, type WalkOptions, walk } from './walk.ts'

/**
 * What comparing the disk with the journal found. `seen`: a path that is new or differs, to be recorded. `missing`: a
 * row for which the walk met nothing: to be looked at again after everything seen is recorded, so that a rename is not
 * taken for a deletion. `unreadable`: nothing is known of this path and below; its rows stay. `same`: progress.
 */
export type ScanStep =
  | { readonly kind: 'seen'; readonly path: RelPath; readonly state: FileState }
  | { readonly kind: 'missing'; readonly path: RelPath }
  | { readonly kind: 'unreadable'; readonly path: RelPath }
  | { readonly kind: 'same' }

export interface ScanOptions extends WalkOptions {
  /** Live rows strictly below the folder, in tree order, beyond a path. */
  readonly rows: (folder: RelPath, beyond: RelPath | null, limit: number) => JournalRow[]
  readonly nowMs: () => number
}

const PAGE_ROWS = 1000

/** One for all: most steps of most scans are this one. */
const SAME = { kind: 'same' } as const

/**
 * Compares everything below a folder with its rows, as a merge of two lists in tree order; reads no content. The caller
 * looks at the folder itself, and takes the steps in slices as long as it likes: the state that a step gives was looked at
 * within that step.
 */
export function* scan(folder: RelPath, options: ScanOptions): Generator<ScanStep> {
  const rows = new RowCursor(folder, options)
  for (const met of walk(folder, options)) {
    // A row of it is met as missing, and leaves as excluded when it is looked at again.
    if (met.state === 'outOfView') {
      yield SAME
      continue
    }
    const rested = yield* missing(rows, met.path)
    const now = rested ? metAgain(met.path, options) : met
    if (now === null) continue
    yield step(now, rows, options)
    if (isFolder(now) && !isFolder(met)) {
      // It has become one since the walk went past it.
      yield* scan(now.path, options)
      rows.skip(now.path)
    }
  }
  yield* missing(rows, null)
}

/** Gives the rows before a path, all that are left where it is null, of which the walk met nothing; true where any are. */
function* missing(rows: RowCursor, until: RelPath | null): Generator<ScanStep, boolean> {
  let isAny = false
  for (let row = rows.current(); row !== null; row = rows.current()) {
    if (until !== null && inTreeOrder(row.path, until) >= 0) break
    yield { kind: 'missing', path: row.path }
    rows.skip(row.path)
    isAny = true
  }
  return isAny
}

/**
 * Looks once more at what was met before others had their turn, since they may have recorded something newer. Null where
 * it is not there, or not in the view, any more: then its row is met as missing.
 */
function metAgain(path: RelPath, { disk, isInView }: ScanOptions): MetInView | null {
  const state = disk.look(path)
  if (state === null) return null
  if (state === 'unreadable') return { path, state }
  return isInView(path, state) ? { path, state } : null
}

function isFolder({ state }: MetInView): boolean {
  return state !== 'unreadable' && state.type === 'directory'
}

function step(met: MetInView, rows: RowCursor, options: ScanOptions): ScanStep {
  const { path, state } = met
  if (state === 'unreadable') {
    rows.skip(path)
    return { kind: 'unreadable', path }
  }
  const row = rows.current()
  if (row?.path !== path) return { kind: 'seen', path, state }
  // What lies below in the journal goes with the change of type.
  if (state.type === 'directory') rows.next()
  else rows.skip(path)
  return isSame(row, state, options) ? SAME : { kind: 'seen', path, state }
}

function isSame(row: JournalRow, found: FileState, { nowMs, disk }: ScanOptions): boolean {
  if (!isLive(row)) return false
  const { attributes } = row.state
  if (!areOfKinds(attributes, disk.kinds)) return false
  // A change of attributes shows in ctime, so they are not read for what looks the same.
  const state = attributes === undefined ? found : { ...found, attributes }
  const seen = { state, cause: 'scan', nowMs: nowMs(), mayHaveBeenRead: true } as const
  return compare(row, seen).kind === 'same'
}

function isLive(row: JournalRow): row is JournalRow & { readonly state: FileState } {
  return row.state !== null
}

/** The rows of a subtree one after the other, read in pages. */
class RowCursor {
  readonly #folder: RelPath
  readonly #options: ScanOptions
  #page: JournalRow[] = []
  #index = 0
  #beyond: RelPath | null = null
  #isLast = false

  constructor(folder: RelPath, options: ScanOptions) {
    this.#folder = folder
    this.#options = options
  }

  current(): JournalRow | null {
    while (this.#index >= this.#page.length) {
      if (this.#isLast) return null
      this.#page = this.#options.rows(this.#folder, this.#beyond, PAGE_ROWS)
      this.#index = 0
      this.#beyond = this.#page.at(-1)?.path ?? this.#beyond
      this.#isLast = this.#page.length < PAGE_ROWS
    }
    return this.#page[this.#index] ?? null
  }

  next(): void {
    this.#index++
  }

  /** Leaves out a path and everything below it. */
  skip(path: RelPath): void {
    for (let row = this.current(); row !== null; row = this.current()) {
      if (row.path !== path && !isBelow(row.path, path)) return
      this.next()
    }
  }
}
