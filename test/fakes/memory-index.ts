import type { OtherChange } from '../../src/core/apply/conflicts.ts'
import type {
  Absence,
  IndexBatch,
  IndexRow,
  IndexStore,
  SharedFile,
  StoredPending,
} from '../../src/core/apply/index-store.ts'
import type { Note, NotedPath, TargetNotes } from '../../src/core/apply/notes.ts'
import type { ContentHash, FileKey, Position } from '../../src/core/change/entry.ts'
import { type RelPath, isBelow } from '../../src/core/path/rel-path.ts'

/** `IndexStore` in memory; passes the suite of the real one. What it holds is durable. */
export class MemoryIndex implements IndexStore {
  #rows = new Map<RelPath, IndexRow>()
  #pending = new Map<RelPath, StoredPending>()
  #claims = new Set<RelPath>()
  #watermark: Position | null = null
  #list = 0
  #listed: Position | null = null
  #notes: NotedPath[] = []
  #absent = new Map<RelPath, Absence>()
  #absentSince = 0
  readonly #shared = new Map<bigint, SharedFile>()
  readonly #all: Map<string, MemoryIndex>

  /** `all` are the indexes in one file. */
  constructor(bindingId = 'b', all = new Map<string, MemoryIndex>()) {
    this.#all = all.set(bindingId, this)
  }

  reading<T>(work: () => T): T {
    return work()
  }

  watermark(): Position | null {
    return this.#watermark
  }

  list(): number {
    return this.#list
  }

  listed(): Position | null {
    return this.#listed
  }

  pending(): readonly StoredPending[] {
    return [...this.#pending.values()].toSorted(
      (one, other) => one.seq - other.seq || compare(one.path, other.path),
    )
  }

  notes(): TargetNotes {
    const counts = new Map<Note, number>()
    for (const { code } of this.#notes) counts.set(code, (counts.get(code) ?? 0) + 1)
    return {
      counts: [...counts]
        .toSorted(([one], [other]) => compare(one, other))
        .map(([code, count]) => ({ code, count })),
      newest: this.#notes
        .toSorted(
          (one, other) =>
            other.seq - one.seq || compare(other.path, one.path) || compare(other.code, one.code),
        )
        .slice(0, 100),
    }
  }

  conflicts(): RelPath[] {
    return this.#notes.flatMap(({ path, code }) => (code === 'CONFLICT' ? [path] : []))
  }

  claims(): ReadonlySet<RelPath> {
    return new Set(this.#claims)
  }

  claim(paths: readonly RelPath[]): void {
    for (const path of paths) this.#claims.add(path)
  }

  get(path: RelPath): IndexRow | null {
    const row = this.#rows.get(path)
    return row === undefined ? null : this.#withShared(row)
  }

  findByHash(hash: ContentHash, limit: number): IndexRow[] {
    return this.rows()
      .filter(({ state }) => state.hash === hash)
      .slice(0, limit)
  }

  namesOf(file: FileKey, hash: ContentHash, limit: number): IndexRow[] {
    return this.rows()
      .filter(({ state }) => state.fileKey === file && state.hash === hash)
      .slice(0, limit)
  }

  namesOn(inode: bigint, file: FileKey, limit: number): IndexRow[] {
    return this.rows()
      .filter(({ state, stat }) => state.fileKey === file && stat.inode === inode)
      .slice(0, limit)
  }

  fileOn(inode: bigint): FileKey | null {
    const key = this.#shared.get(inode)?.fileKey
    return key === undefined || this.namesOn(inode, key, 1).length === 0 ? null : key
  }

  below(folder: RelPath, limit: number, after?: RelPath): IndexRow[] {
    return this.rows()
      .filter(({ path }) => isBelow(path, folder) && (after === undefined || path > after))
      .slice(0, limit)
  }

  olderThan(list: number, limit: number, after?: RelPath): IndexRow[] {
    return this.rows()
      .filter((row) => row.list < list && (after === undefined || row.path > after))
      .slice(0, limit)
  }

  commit(batch: IndexBatch): void {
    for (const path of batch.removes) this.#rows.delete(path)
    for (const row of batch.puts) this.#rows.set(row.path, row)
    for (const path of batch.pendingRemoves) this.#pending.delete(path)
    for (const pending of batch.pendingPuts) this.#pending.set(pending.path, pending)
    if (batch.claims !== null) this.#claims = new Set(batch.claims)
    for (const file of batch.shared) this.#shared.set(file.inode, file)
    const renoted = new Set(batch.renoted)
    this.#notes = [...this.#notes.filter(({ path }) => !renoted.has(path)), ...batch.notes]
    this.#takeAbsences(batch)
    this.#watermark = batch.watermark ?? this.#watermark
    this.#list = batch.list
    this.#listed = batch.listed
    for (const change of batch.others) this.#all.get(change.bindingId)?.change(change)
  }

  #takeAbsences({ puts, absences, watermark }: IndexBatch): void {
    for (const { path, seq } of puts)
      if (seq > (this.#absent.get(path)?.seq ?? Infinity)) this.#absent.delete(path)
    for (const absence of absences) this.#absent.set(absence.path, absence)
    if (watermark === null || watermark.epoch === this.#watermark?.epoch) return
    const isCurrent = ({ epoch }: Absence) => epoch === watermark.epoch
    this.#absent = new Map([...this.#absent].filter(([, absence]) => isCurrent(absence)))
    this.#absentSince = watermark.seq
  }

  /** What is known to have left or to be withheld, and since which seq of the watermark's epoch all of it. */
  absences(): { readonly all: readonly Absence[]; readonly since: number } {
    return { all: [...this.#absent.values()], since: this.#absentSince }
  }

  change(change: OtherChange): void {
    switch (change.kind) {
      case 'resend': {
        const row = this.#rows.get(change.pending.path)
        if (row?.seq !== change.pending.seq) return
        this.#rows.set(row.path, { ...row, seq: 0 })
        if (!this.#pending.has(row.path)) this.#pending.set(row.path, change.pending)
        return
      }
      case 'lost':
        if (this.#hasConflict(change.noted.path)) return
        this.#notes.push(change.noted)
        return
      case 'settled':
        this.#notes = this.#notes.filter(
          ({ path, code }) => path !== change.path || code !== 'CONFLICT',
        )
        return
    }
  }

  #hasConflict(at: RelPath): boolean {
    return this.#notes.some(({ path, code }) => path === at && code === 'CONFLICT')
  }

  /** Every row, in order of path. */
  rows(): IndexRow[] {
    return [...this.#rows.values()]
      .map((row) => this.#withShared(row))
      .toSorted((one, other) => compare(one.path, other.path))
  }

  #withShared(row: IndexRow): IndexRow {
    if (row.state.fileKey === undefined) return row
    return { ...row, sharedCtimeNs: this.#shared.get(row.stat.inode)?.ctimeNs }
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
