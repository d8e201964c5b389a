import { type WithheldOperation, isWithheld } from '../../src/core/change/entry.ts'
import type {
  HashFinding,
  HeldRows,
  JournalState,
  JournalStore,
  RowPage,
  SeqRange,
} from '../../src/core/change/journal-store.ts'
import type { JournalRow } from '../../src/core/change/row.ts'
import { inTreeOrder } from '../../src/core/change/tree-order.ts'
import { type RelPath, isBelow } from '../../src/core/path/rel-path.ts'

interface Content {
  readonly state: JournalState | null
  readonly rows: ReadonlyMap<RelPath, JournalRow>
}

const EMPTY: Content = { state: null, rows: new Map() }

/** A journal in memory that tells what a killed process keeps (every commit) from what a power cut leaves. */
export class MemoryJournalStore implements JournalStore {
  #state: JournalState | null = null
  #rows = new Map<RelPath, JournalRow>()
  #durable: Content = EMPTY
  #committed: Content = EMPTY

  state(): JournalState | null {
    return this.#state
  }

  putState(state: JournalState): void {
    this.#state = state
  }

  get(path: RelPath): JournalRow | null {
    return this.#rows.get(path) ?? null
  }

  put(row: JournalRow): void {
    const sameSeq = this.#bySeq().find((other) => other.seq === row.seq && other.path !== row.path)
    if (sameSeq !== undefined) throw new Error(`seq ${row.seq} is given twice`)
    this.#rows.set(row.path, row)
  }

  keepHash({ path, seq, hash, fingerprint }: HashFinding): void {
    const row = this.#rows.get(path)
    if (row?.seq !== seq || row.state === null) return
    const { type, size, mtimeNs, ctimeNs, inode } = row.state
    if (Bun.deepEquals({ ...fingerprint, type, size, mtimeNs, ctimeNs, inode }, fingerprint))
      this.#rows.set(path, { ...row, hash, hashTrust: 'trusted' })
  }

  liveBelow({ folder, beyond, limit, direction }: RowPage): JournalRow[] {
    const sign = direction === 'parentsFirst' ? 1 : -1
    return [...this.#rows.values()]
      .filter((row) => row.state !== null && isBelow(row.path, folder))
      .filter((row) => beyond === null || sign * inTreeOrder(row.path, beyond) > 0)
      .sort((left, right) => sign * inTreeOrder(left.path, right.path))
      .slice(0, limit)
  }

  liveByInode(inode: bigint, limit: number): JournalRow[] {
    return [...this.#rows.values()].filter((row) => row.state?.inode === inode).slice(0, limit)
  }

  changes({ after, upTo, limit, liveOnly }: SeqRange): JournalRow[] {
    return this.#bySeq()
      .filter((row) => row.seq > after && row.seq <= upTo)
      .filter((row) => !liveOnly || row.state !== null || isWithheld(row.operation))
      .slice(0, limit)
  }

  lossesSince(atMs: number): number {
    const isLoss = (row: JournalRow) => row.lossBytes !== undefined && !isWithheld(row.operation)
    return [...this.#rows.values()].filter((row) => row.changedAtMs > atMs && isLoss(row)).length
  }

  heldAbove(seq: number): HeldRows | null {
    const rows = this.#heldRows().filter((row) => row.seq > seq)
    if (rows.length === 0) return null
    return {
      deletes: rows.filter((row) => row.state === null && row.lossBytes !== undefined).length,
      updates: rows.filter((row) => row.state !== null).length,
      bytes: rows.reduce((sum, row) => sum + (row.lossBytes ?? 0), 0),
      rowCount: rows.length,
      firstSeq: Math.min(...rows.map((row) => row.seq)),
      lastSeq: Math.max(...rows.map((row) => row.seq)),
      sinceMs: Math.min(...rows.map((row) => row.changedAtMs)),
    }
  }

  withheldBelow(folder: RelPath): WithheldOperation | null {
    const below = [...this.#rows.values()].filter((row) => isBelow(row.path, folder))
    const found = (operation: WithheldOperation) => below.some((row) => row.operation === operation)
    if (found('held')) return 'held'
    return found('kept') ? 'kept' : null
  }

  held({ after, upTo, limit }: Omit<SeqRange, 'liveOnly'>): JournalRow[] {
    return this.#heldRows()
      .filter((row) => row.seq > after && row.seq <= upTo)
      .sort((left, right) => inTreeOrder(right.path, left.path))
      .slice(0, limit)
  }

  keepHeld(after: number): void {
    for (const row of this.#heldRows())
      if (row.seq > after) this.#rows.set(row.path, { ...row, operation: 'kept' })
  }

  drop(which: 'tombstones' | 'everything'): void {
    for (const row of this.#rows.values()) {
      const isTombstone = row.state === null && !isWithheld(row.operation)
      if (which === 'everything' || isTombstone) this.#rows.delete(row.path)
    }
  }

  #heldRows(): JournalRow[] {
    return [...this.#rows.values()].filter((row) => row.operation === 'held')
  }

  durably<T>(work: () => T): T {
    const result = this.atomically(work)
    this.#durable = this.#committed
    return result
  }

  atomically<T>(work: () => T): T {
    try {
      const result = work()
      this.#committed = { state: this.#state, rows: new Map(this.#rows) }
      return result
    } catch (thrown) {
      this.#restore(this.#committed)
      throw thrown
    }
  }

  /** What the next process finds. */
  crash(kind: 'killed' | 'powerCut'): void {
    if (kind === 'powerCut') this.#committed = this.#durable
    this.#restore(this.#committed)
  }

  #restore(content: Content): void {
    this.#state = content.state
    this.#rows = new Map(content.rows)
  }

  #bySeq(): JournalRow[] {
    return [...this.#rows.values()].sort((left, right) => left.seq - right.seq)
  }
}
