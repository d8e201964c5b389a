import type {
  HashFinding,
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

  liveByInode(inode: bigint): JournalRow[] {
    return [...this.#rows.values()].filter((row) => row.state?.inode === inode)
  }

  changes({ after, upTo, limit, liveOnly }: SeqRange): JournalRow[] {
    return this.#bySeq()
      .filter((row) => row.seq > after && row.seq <= upTo && (!liveOnly || row.state !== null))
      .slice(0, limit)
  }

  drop(which: 'tombstones' | 'everything'): void {
    for (const row of this.#rows.values()) {
      if (which === 'everything' || row.state === null) this.#rows.delete(row.path)
    }
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
