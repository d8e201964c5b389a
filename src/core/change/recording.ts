import { assert } from '../base/assert.ts'
import { type RelPath, isStaging } from '../path/rel-path.ts'
import type { Breaker } from './breaker.ts'
import { type FileState, isWithheld } from './entry.ts'
import type { JournalStore } from './journal-store.ts'
import type { JournalOptions, Leaving, Observation, Recorded } from './observation.ts'
import { type OtherPath, findOtherPath, renameOperation } from './pairing.ts'
import { type JournalRow, type RowContent, type Sighting, appeared, compare } from './row.ts'
import type { Sequence } from './sequence.ts'
import { inTreeOrder } from './tree-order.ts'

/** What a recording works on. */
export interface RecordingTools {
  readonly store: JournalStore
  readonly sequence: Sequence
  readonly options: JournalOptions
  /** The highest seq whose row was given to someone who may read the file. */
  readonly handedOutSeq: number
  /** Counts live files and their bytes. */
  readonly count: (files: number, bytes: number) => void
  /** Live files at the moment. */
  readonly fileCount: () => number
  /** Null where anything may leave. */
  readonly breaker: Breaker | null
}

type LiveRow = JournalRow & { readonly state: FileState }

/** A path that is there and in the view, with what the journal knew before this recording changed anything. */
interface Present {
  readonly path: RelPath
  readonly seen: Sighting
  readonly row: JournalRow | null
  readonly otherPath: OtherPath | null
}

const PAGE_ROWS = 500

/** One transaction's worth of the journal's rules; used once. */
export class Recording {
  readonly #tools: RecordingTools
  readonly #nowMs: number
  readonly #racy: RelPath[] = []
  readonly #leaving: Leaving[] = []
  /** Paths whose content was met under another one. */
  readonly #moved = new Set<RelPath>()
  #changedCount = 0

  constructor(tools: RecordingTools, nowMs: number) {
    this.#tools = tools
    this.#nowMs = nowMs
  }

  run(observations: readonly Observation[]): Recorded {
    const present: Present[] = []
    for (const observation of observations.toSorted((a, b) => inTreeOrder(a.path, b.path))) {
      if (isStaging(observation.path)) continue
      const matched = this.#match(observation)
      if (matched !== null) present.push(matched)
    }
    // A file cannot be placed where a folder still holds something: what lay below goes first.
    for (const { path, seen, row } of present) {
      if (row?.state?.type === 'directory' && seen.state.type !== 'directory') this.#empty(path)
    }
    for (const one of present) this.#place(one)
    return this.remove(
      this.#leaving.map((one) => (this.#moved.has(one.path) ? { ...one, isMoved: true } : one)),
    )
  }

  remove(leaving: readonly Leaving[]): Recorded {
    let budget = this.#tools.options.removeMax
    const left: Leaving[] = []
    for (const one of leaving.toSorted((a, b) => inTreeOrder(b.path, a.path))) {
      assert(one.path !== '', 'the root never leaves its own journal')
      if (budget > 0) budget -= this.#removeTree(one, budget)
      const row = this.#tools.store.get(one.path)
      if (row !== null && isLive(row)) left.push(one)
    }
    return { changedCount: this.#changedCount, racy: this.#racy, leaving: left }
  }

  resend(rows: readonly JournalRow[]): void {
    for (const row of rows) {
      if (!isLive(row)) continue
      const operation = isWithheld(row.operation) ? row.operation : 'update'
      this.#write(row.path, row, { ...row, operation, from: null })
    }
  }

  /** Lets held rows go: what is gone is deleted, what was emptied is sent as it is. */
  release(rows: readonly JournalRow[]): void {
    for (const { lossBytes: _, ...row } of rows) {
      const stays = row.state === null ? this.#tools.store.withheldBelow(row.path) : null
      const operation = stays ?? (isLive(row) ? 'update' : 'delete')
      this.#write(row.path, row, { ...row, operation, from: null })
    }
  }

  /** Null where the path is not in the view; then it leaves, if it was. */
  #match(observation: Observation): Present | null {
    const { path, state, cause } = observation
    const row = this.#tools.store.get(path)
    if (state === null || !this.#isInView(path, state)) {
      if (row === null || !isLive(row)) return null
      // What the filter would let through is gone, whatever has taken its place.
      const isGone = state === null || this.#isInView(path, row.state)
      this.#leaving.push({ path, operation: isGone ? 'delete' : 'excluded' })
      return null
    }
    const isOther = row?.state?.inode !== state.inode
    const otherPath = isOther ? this.#findOtherPath(path, state) : null
    const mayHaveBeenRead = row !== null && row.seq <= this.#tools.handedOutSeq
    const seen = { state, cause, nowMs: this.#nowMs, mayHaveBeenRead }
    return { path, seen, row, otherPath }
  }

  #isInView(path: RelPath, state: FileState): boolean {
    const kind = state.type === 'directory' ? 'folder' : 'leaf'
    return this.#tools.options.filter.letsThrough(path, kind)
  }

  #findOtherPath(path: RelPath, state: FileState): OtherPath | null {
    const { store, options } = this.#tools
    return findOtherPath({ path, state }, store, options.lookAt)
  }

  #place({ path, seen, row, otherPath }: Present): void {
    if (otherPath !== null && otherPath.kind !== 'other') {
      this.#write(path, row, cameFrom(otherPath.row, path, seen))
      // A folder's row stays until its path is seen to be gone: what lies below it is still to be paired.
      if (otherPath.kind === 'gone' && seen.state.type !== 'directory') {
        this.#moved.add(otherPath.row.path)
        this.#leaving.push({ path: otherPath.row.path, operation: 'delete' })
      }
    } else if (row === null || !isLive(row)) {
      const known = this.#tools.options.keepsNames ? (otherPath?.row ?? null) : null
      this.#write(path, row, stillEmptied(row, seen) ?? appeared(seen, known))
    } else {
      this.#compare(row, seen)
    }
  }

  #compare(row: LiveRow, seen: Sighting): void {
    const result = compare(row, seen)
    switch (result.kind) {
      case 'same':
        if (row.isRacy) this.#racy.push(row.path)
        return
      case 'quiet':
        if (result.content.isRacy) this.#racy.push(row.path)
        this.#tools.store.put({ ...row, ...result.content })
        return
      case 'changed':
        this.#write(row.path, row, this.#unlessEmptied(row, seen, result.content))
        return
    }
  }

  /** A file that loses its content is as good as deleted. */
  #unlessEmptied(row: LiveRow, seen: Sighting, content: RowContent): RowContent {
    const still = stillEmptied(row, seen)
    if (still !== null || !isEmptied(row.state, seen.state)) return still ?? content
    const lossBytes = row.state.size
    if (this.#mayGo()) return { ...content, lossBytes }
    return { ...content, operation: 'held', from: null, lossBytes }
  }

  #mayGo(): boolean {
    const { breaker, fileCount } = this.#tools
    return breaker === null || breaker.admit(fileCount())
  }

  #empty(folder: RelPath): void {
    while (this.#removeBelow({ path: folder, operation: 'delete' }, PAGE_ROWS) > 0);
  }

  /** Removes at most `budget` rows of a tree, deepest first; gives how many it was. */
  #removeTree(leaving: Leaving, budget: number): number {
    let removed = 0
    for (;;) {
      const count = this.#removeBelow(leaving, Math.min(PAGE_ROWS, budget - removed))
      removed += count
      if (removed >= budget) return removed
      if (count === 0) break
    }
    const row = this.#tools.store.get(leaving.path)
    if (row !== null && isLive(row)) this.#bury(row, leaving)
    return removed + 1
  }

  #removeBelow(leaving: Leaving, limit: number): number {
    const page = { folder: leaving.path, beyond: null, limit, direction: 'deepestFirst' } as const
    const rows = this.#tools.store.liveBelow(page)
    for (const row of rows) if (isLive(row)) this.#bury(row, leaving)
    return rows.length
  }

  #bury(row: LiveRow, leaving: Leaving): void {
    this.#write(row.path, row, { ...NOTHING, ...this.#going(row, leaving) })
  }

  /** How a row leaves: a file counts, and a folder stays where something in it does. */
  #going(
    row: LiveRow,
    { operation, isMoved }: Leaving,
  ): Pick<RowContent, 'operation' | 'lossBytes'> {
    if (operation !== 'delete' || isMoved === true) return { operation }
    if (row.state.type === 'directory')
      return { operation: this.#tools.store.withheldBelow(row.path) ?? operation }
    const lossBytes = row.lossBytes ?? byteCount(row.state)
    if (isWithheld(row.operation)) return { operation: row.operation, lossBytes }
    return { operation: this.#mayGo() ? operation : 'held', lossBytes }
  }

  #write(path: RelPath, before: JournalRow | null, content: RowContent): void {
    const { store, sequence, count } = this.#tools
    const { state, isRacy } = content
    store.put({ ...content, path, seq: sequence.next(), changedAtMs: this.#nowMs })
    count(fileCount(state) - fileCount(before?.state), byteCount(state) - byteCount(before?.state))
    if (isRacy) this.#racy.push(path)
    this.#changedCount++
  }
}

const NOTHING = {
  from: null,
  state: null,
  hash: null,
  hashTrust: 'unknown',
  isRacy: false,
} as const

function isEmptied(before: FileState, after: FileState): boolean {
  return before.type === 'file' && before.size > 0 && after.type === 'file' && after.size === 0
}

/** What is withheld stays so while there is no content again, whatever else became of it. */
function stillEmptied(row: JournalRow | null, seen: Sighting): RowContent | null {
  const { state } = seen
  if (row === null || !isWithheld(row.operation) || row.lossBytes === undefined) return null
  if (state.type !== 'file' || state.size > 0) return null
  return { ...appeared(seen, null), operation: row.operation, lossBytes: row.lossBytes }
}

function cameFrom(old: JournalRow, path: RelPath, seen: Sighting): RowContent {
  return { ...appeared(seen, old), operation: renameOperation(old.path, path), from: old.path }
}

function isLive(row: JournalRow): row is LiveRow {
  return row.state !== null
}

function fileCount(state: FileState | null | undefined): number {
  return state && state.type !== 'directory' ? 1 : 0
}

function byteCount(state: FileState | null | undefined): number {
  return state?.type === 'file' ? state.size : 0
}
