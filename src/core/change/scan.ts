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
 * looks at the folder itself, and takes the steps in slices as long as it likes.
 */
export function* scan(folder: RelPath, options: ScanOptions): Generator<ScanStep> {
  const rows = new RowCursor(folder, options)
  for (const met of walk(folder, options)) {
    // A row of it is met as missing, and leaves as excluded when it is looked at again.
    if (met.state === 'outOfView') {
      yield SAME
      continue
    }
    for (let row = rows.current(); row !== null; row = rows.current()) {
      if (inTreeOrder(row.path, met.path) >= 0) break
      yield { kind: 'missing', path: row.path }
      rows.skip(row.path)
    }
    yield step(met, rows, options)
  }
  for (let row = rows.current(); row !== null; row = rows.current()) {
    yield { kind: 'missing', path: row.path }
    rows.skip(row.path)
  }
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
