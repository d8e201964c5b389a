import type { Database } from 'bun:sqlite'

import type { OtherChange } from '../core/apply/conflicts.ts'
import type { IndexBatch, IndexRow, IndexStore, StoredPending } from '../core/apply/index-store.ts'
import type { TargetNotes } from '../core/apply/notes.ts'
import { toBytes } from '../core/base/byte-string.ts'
import type { ContentHash, FileKey, Position } from '../core/change/entry.ts'
import type { KnownRoot } from '../core/change/known-root.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { durably, inReadTransaction } from './database.ts'
import { IndexAbsent } from './index-absent.ts'
import { IndexNotes } from './index-notes.ts'
import {
  type EntryRecord,
  type PendingRecord,
  type RootRecord,
  entryValues,
  hashBlob,
  indexRow,
  joinPaths,
  pendingValues,
  receivedRoot,
  splitPaths,
  storedPending,
} from './index-rows.ts'
import { type IndexStatements, prepareStatements } from './index-statements.ts'
import { asSigned } from './journal-rows.ts'

/** What was written in a transaction; `taken` is to be called once that is committed. */
interface Written {
  readonly taken: () => void
}

/** What is known of a binding beside its own row. */
const TABLES = ['entry', 'shared', 'pending', 'claim', 'note', 'absent'] as const

interface BindingRecord extends RootRecord {
  readonly epoch: string | null
  readonly seq: bigint | null
  readonly list: bigint
  readonly listed_epoch: string | null
  readonly listed_seq: bigint | null
}

/**
 * `IndexStore` of one binding. What is small and asked for all the time (position, pending, claims) is kept in memory
 * beside the file, which only this object writes.
 */
export class BindingIndex implements IndexStore {
  readonly #database: Database
  readonly #id: bigint
  readonly #statements: IndexStatements
  readonly #epochs = new Map<string, bigint>()
  readonly #epochNames = new Map<bigint, string>()
  #watermark: Position | null
  #list: number
  #listed: Position | null
  #root: KnownRoot | null
  #pending: readonly StoredPending[]
  #claims: ReadonlySet<RelPath>
  readonly #notes: IndexNotes
  readonly #absent: IndexAbsent
  readonly #other: (bindingId: string) => BindingIndex

  /** `other` gives the index of another binding in the same file. */
  constructor(database: Database, id: bigint, other: (bindingId: string) => BindingIndex) {
    this.#database = database
    this.#id = id
    this.#other = other
    this.#statements = prepareStatements(database)
    const record = this.#readBinding()
    this.#watermark = positionOf(record.epoch, record.seq)
    this.#list = Number(record.list)
    this.#listed = positionOf(record.listed_epoch, record.listed_seq)
    this.#root = receivedRoot(record)
    this.#pending = this.#readPending()
    this.#claims = this.#readClaims()
    this.#notes = new IndexNotes(database, id)
    this.#absent = new IndexAbsent(database, id)
  }

  /** One read transaction: else every row that is looked up takes and gives back the locks of the file. */
  reading<T>(work: () => T): T {
    return inReadTransaction(this.#database, work)
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
    return this.#pending
  }

  claims(): ReadonlySet<RelPath> {
    return this.#claims
  }

  notes(): TargetNotes {
    return this.#notes.read()
  }

  conflicts(): RelPath[] {
    return this.#notes.pathsOf('CONFLICT')
  }

  /** The root that was written into so far; null before the first set. */
  root(): KnownRoot | null {
    return this.#root
  }

  keepRoot(root: KnownRoot): void {
    durably(this.#database, () => this.#writeRoot(root))
    this.#root = root
  }

  #writeRoot({ inode, birthNs, isMountPoint }: KnownRoot): void {
    const sql =
      'UPDATE binding SET root_inode = ?, root_birth_ns = ?, root_is_mount_point = ? WHERE id = ?'
    const values = [asSigned(inode), birthNs, isMountPoint ? 1 : 0, this.#id] as const
    this.#database.query(sql).run(...values)
  }

  /** Forgets, within a transaction, all that was received: the root is another folder from now on. */
  startOver(root: KnownRoot): Written {
    for (const table of TABLES)
      this.#database.query(`DELETE FROM ${table} WHERE binding = ?`).run(this.#id)
    this.#database
      .query(
        `UPDATE binding SET epoch = NULL, seq = NULL, absent_since = NULL,
           listed_epoch = NULL, listed_seq = NULL WHERE id = ?`,
      )
      .run(this.#id)
    this.#writeRoot(root)
    return {
      taken: () => {
        this.#root = root
        this.#watermark = null
        this.#listed = null
        this.#pending = []
        this.#claims = new Set()
        this.#notes.forget()
        this.#absent.forget()
      },
    }
  }

  get(path: RelPath): IndexRow | null {
    const record = this.#statements.get.get(this.#id, toBytes(path))
    return record === null ? null : this.#row(record)
  }

  findByHash(hash: ContentHash, limit: number): IndexRow[] {
    const records = this.#statements.findByHash.all(this.#id, hashBlob(hash), limit)
    return records.map((record) => this.#row(record))
  }

  namesOf(file: FileKey, hash: ContentHash, limit: number): IndexRow[] {
    const records = this.#statements.namesOf.all(this.#id, file, hashBlob(hash), limit)
    return records.map((record) => this.#row(record))
  }

  namesOn(inode: bigint, file: FileKey, limit: number): IndexRow[] {
    const records = this.#statements.namesOn.all(this.#id, file, asSigned(inode), limit)
    return records.map((record) => this.#row(record))
  }

  fileOn(inode: bigint): FileKey | null {
    const record = this.#statements.fileOn.get(this.#id, asSigned(inode))
    return record === null ? null : (record.file_key as FileKey)
  }

  below(folder: RelPath, limit: number, after?: RelPath): IndexRow[] {
    // The path of the root is empty, and what is below it ends nowhere; `0` is the byte after `/`.
    const floor = after ?? (folder === '' ? folder : (`${folder}/` as RelPath))
    const end = folder === '' ? null : toBytes(`${folder}0` as RelPath)
    const records =
      end === null
        ? this.#statements.after.all(this.#id, toBytes(floor), limit)
        : this.#statements.between.all(this.#id, toBytes(floor), end, limit)
    return records.map((record) => this.#row(record))
  }

  olderThan(list: number, limit: number, after?: RelPath): IndexRow[] {
    // The root itself, the empty path, sorts before all others.
    const records =
      after === undefined
        ? this.#statements.older.all(this.#id, list, limit)
        : this.#statements.olderAfter.all(this.#id, toBytes(after), list, limit)
    return records.map((record) => this.#row(record))
  }

  #row(record: EntryRecord): IndexRow {
    const row = indexRow(record, this.#epochName(record.epoch_id))
    return record.file_key === null ? row : this.#withShared(row, record)
  }

  /** Asked for where it is needed, which is not with every row: most files have one name, and their own ctime tells. */
  #withShared(row: IndexRow, record: EntryRecord): IndexRow {
    const read = () => this.#statements.sharedCtime.get(this.#id, record.disk_inode)?.ctime_ns
    return {
      ...row,
      get sharedCtimeNs() {
        return read()
      },
    }
  }

  claim(paths: readonly RelPath[]): void {
    durably(this.#database, () => this.#insertClaims(paths))
    this.#claims = new Set([...this.#claims, ...paths])
  }

  commit(batch: IndexBatch): void {
    const written = durably(this.#database, () => [
      ...this.#write(batch),
      ...this.#writeOthers(batch.others),
    ])
    for (const { taken } of written) taken()
    this.#watermark = batch.watermark ?? this.#watermark
    this.#list = batch.list
    this.#listed = batch.listed
    if (batch.claims !== null) this.#claims = new Set(batch.claims)
    if (batch.pendingPuts.length + batch.pendingRemoves.length > 0)
      this.#pending = this.#readPending()
  }

  #write(batch: IndexBatch): Written[] {
    // An id that a transaction made is gone with the transaction.
    this.#epochs.clear()
    this.#epochNames.clear()
    this.#writeRows(batch)
    this.#writeShared(batch)
    this.#writePending(batch)
    if (batch.claims !== null) {
      this.#database.query('DELETE FROM claim WHERE binding = ?').run(this.#id)
      if (batch.claims.length > 0) this.#insertClaims(batch.claims)
    }
    this.#writePositions(batch)
    return [this.#notes.write({ ...batch, ended: [] }), this.#writeAbsent(batch)]
  }

  #writePositions({ watermark, list, listed }: IndexBatch): void {
    this.#database
      .query(
        `UPDATE binding SET epoch = ifnull(?, epoch), seq = ifnull(?, seq), list = ?,
           listed_epoch = ?, listed_seq = ? WHERE id = ?`,
      )
      .run(...valuesOf(watermark), list, ...valuesOf(listed), this.#id)
  }

  #writeAbsent({ absences, puts, watermark }: IndexBatch): Written {
    const epochId = (epoch: string) => this.#epochId(epoch)
    const [before, after] = [this.#watermark, watermark]
    return this.#absent.write({ absences, placed: puts, before, after, epochId })
  }

  #writeOthers(others: readonly OtherChange[]): Written[] {
    const byBinding = Map.groupBy(others, ({ bindingId }) => bindingId)
    return [...byBinding].map(([bindingId, changes]) => this.#other(bindingId).#change(changes))
  }

  /** Takes what the set of another binding means for this one, within its transaction. */
  #change(changes: readonly OtherChange[]): Written {
    const resent = changes.flatMap((change) => (change.kind === 'resend' ? [change.pending] : []))
    const outdated = resent.filter(({ path, seq }) => {
      // Its version counts as older than any, so that it is applied when it comes again.
      return this.#statements.outdate.run(this.#id, toBytes(path), seq).changes > 0
    })
    // What waits already is newer, and only under its own seq will the source offer it.
    const waiting = new Set(outdated.length === 0 ? [] : this.#pending.map(({ path }) => path))
    const pendingPuts = outdated.filter(({ path }) => !waiting.has(path))
    this.#writePending({ pendingRemoves: [], pendingPuts })
    const notes = this.#notes.write({
      renoted: [],
      ended: changes.flatMap((change) => (change.kind === 'settled' ? [change.path] : [])),
      notes: changes.flatMap((change) => (change.kind === 'lost' ? [change.noted] : [])),
    })
    return {
      taken: () => {
        notes.taken()
        if (pendingPuts.length > 0) this.#pending = this.#readPending()
      },
    }
  }

  #writeRows({ removes, puts }: IndexBatch): void {
    for (const path of removes) this.#statements.remove.run(this.#id, toBytes(path))
    for (const row of puts)
      this.#statements.put.run(...entryValues(this.#id, this.#epochId(row.epoch), row))
  }

  #writeShared({ shared }: IndexBatch): void {
    for (const { inode, fileKey, ctimeNs } of shared)
      this.#statements.putShared.run(this.#id, asSigned(inode), fileKey, ctimeNs)
  }

  #writePending({
    pendingRemoves,
    pendingPuts,
  }: Pick<IndexBatch, 'pendingRemoves' | 'pendingPuts'>): void {
    for (const path of pendingRemoves) this.#statements.removePending.run(this.#id, toBytes(path))
    for (const pending of pendingPuts)
      this.#statements.putPending.run(...pendingValues(this.#id, pending))
  }

  #insertClaims(paths: readonly RelPath[]): void {
    this.#database
      .query('INSERT INTO claim (binding, paths) VALUES (?, ?)')
      .run(this.#id, joinPaths(paths))
  }

  #epochName(id: bigint): string {
    const known = this.#epochNames.get(id)
    if (known !== undefined) return known
    const record = this.#database
      .query<{ epoch: string }, [bigint]>('SELECT epoch FROM epoch WHERE id = ?')
      .get(id)
    if (record === null) throw new Error(`epoch ${id} is in the file`)
    this.#epochNames.set(id, record.epoch)
    return record.epoch
  }

  #epochId(epoch: string): bigint {
    const known = this.#epochs.get(epoch)
    if (known !== undefined) return known
    const made = this.#database
      .query<{ id: bigint }, [string]>(
        'INSERT INTO epoch (epoch) VALUES (?) ON CONFLICT DO UPDATE SET epoch = epoch RETURNING id',
      )
      .get(epoch)
    if (made === null) throw new Error(`epoch "${epoch}" was just made`)
    this.#epochs.set(epoch, made.id)
    return made.id
  }

  #readBinding(): BindingRecord {
    const record = this.#database
      .query<BindingRecord, [bigint]>('SELECT * FROM binding WHERE id = ?')
      .get(this.#id)
    if (record === null) throw new Error(`binding ${this.#id} is in the file`)
    return record
  }

  #readPending(): StoredPending[] {
    return this.#database
      .query<PendingRecord, [bigint]>('SELECT * FROM pending WHERE binding = ? ORDER BY seq, path')
      .all(this.#id)
      .map(storedPending)
  }

  #readClaims(): ReadonlySet<RelPath> {
    const records = this.#database
      .query<{ paths: Uint8Array }, [bigint]>('SELECT paths FROM claim WHERE binding = ?')
      .all(this.#id)
    return new Set(records.flatMap(({ paths }) => splitPaths(paths)))
  }
}

function positionOf(epoch: string | null, seq: bigint | null): Position | null {
  return epoch === null ? null : { epoch, seq: Number(seq ?? 0n) }
}

function valuesOf(position: Position | null): [string | null, number | null] {
  return [position?.epoch ?? null, position?.seq ?? null]
}
