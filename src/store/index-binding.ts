import type { Database } from 'bun:sqlite'

import type { IndexBatch, IndexRow, IndexStore, StoredPending } from '../core/apply/index-store.ts'
import { toBytes } from '../core/base/byte-string.ts'
import type { ContentHash, Position } from '../core/change/entry.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { durably } from './database.ts'
import {
  type EntryRecord,
  type PendingRecord,
  entryValues,
  hashBlob,
  indexRow,
  joinPaths,
  splitPaths,
  storedPending,
} from './index-rows.ts'

const ROWS = `SELECT entry.*, epoch.epoch FROM entry JOIN epoch ON epoch.id = entry.epoch_id`
const NOTHING = new Uint8Array()

/** Which folder a binding writes into; a new device number alone is no change. */
export interface KnownRoot {
  readonly inode: bigint
  readonly isMountPoint: boolean
}

interface BindingRecord {
  readonly epoch: string | null
  readonly seq: bigint | null
  readonly list: bigint
  readonly root_inode: bigint | null
  readonly root_is_mount_point: bigint | null
}

/**
 * `IndexStore` of one binding. What is small and asked for all the time (position, pending, claims) is kept in memory
 * beside the file, which only this object writes.
 */
export class BindingIndex implements IndexStore {
  readonly #database: Database
  readonly #id: bigint
  readonly #epochs = new Map<string, bigint>()
  #watermark: Position | null
  #list: number
  #root: KnownRoot | null
  #pending: readonly StoredPending[]
  #claims: ReadonlySet<RelPath>

  constructor(database: Database, id: bigint) {
    this.#database = database
    this.#id = id
    const record = this.#readBinding()
    this.#watermark =
      record.epoch === null ? null : { epoch: record.epoch, seq: Number(record.seq ?? 0n) }
    this.#list = Number(record.list)
    this.#root =
      record.root_inode === null
        ? null
        : {
            inode: BigInt.asUintN(64, record.root_inode),
            isMountPoint: record.root_is_mount_point === 1n,
          }
    this.#pending = this.#readPending()
    this.#claims = this.#readClaims()
  }

  watermark(): Position | null {
    return this.#watermark
  }

  list(): number {
    return this.#list
  }

  pending(): readonly StoredPending[] {
    return this.#pending
  }

  claims(): ReadonlySet<RelPath> {
    return this.#claims
  }

  /** The root that was written into so far; null before the first set. */
  root(): KnownRoot | null {
    return this.#root
  }

  keepRoot(root: KnownRoot): void {
    const sql = 'UPDATE binding SET root_inode = ?, root_is_mount_point = ? WHERE id = ?'
    const values = [BigInt.asIntN(64, root.inode), root.isMountPoint ? 1 : 0, this.#id] as const
    durably(this.#database, () => this.#database.query(sql).run(...values))
    this.#root = root
  }

  get(path: RelPath): IndexRow | null {
    const record = this.#database
      .query<EntryRecord, [bigint, Uint8Array]>(`${ROWS} WHERE binding = ? AND path = ?`)
      .get(this.#id, toBytes(path))
    return record === null ? null : indexRow(record)
  }

  findByHash(hash: ContentHash, limit: number): IndexRow[] {
    return this.#database
      .query<EntryRecord, [bigint, Uint8Array, number]>(
        `${ROWS} WHERE binding = ? AND hash = ? ORDER BY path LIMIT ?`,
      )
      .all(this.#id, hashBlob(hash), limit)
      .map(indexRow)
  }

  below(folder: RelPath, limit: number, after?: RelPath): IndexRow[] {
    // The path of the root is empty and below nothing; `0` is the byte after `/`.
    const floor = folder === '' ? NOTHING : toBytes(`${folder}/` as RelPath)
    const from = after === undefined ? floor : toBytes(after)
    const end = folder === '' ? '' : ' AND path < ?'
    const bounds = folder === '' ? [from] : [from, toBytes(`${folder}0` as RelPath)]
    return this.#database
      .query<EntryRecord, (bigint | Uint8Array | number)[]>(
        `${ROWS} WHERE binding = ? AND path > ?${end} ORDER BY path LIMIT ?`,
      )
      .all(this.#id, ...bounds, limit)
      .map(indexRow)
  }

  olderThan(list: number, limit: number, after?: RelPath): IndexRow[] {
    // The root itself, the empty path, sorts before all others.
    const compare = after === undefined ? '>=' : '>'
    return this.#database
      .query<EntryRecord, [bigint, Uint8Array, number, number]>(
        `${ROWS} WHERE binding = ? AND path ${compare} ? AND list < ? ORDER BY path LIMIT ?`,
      )
      .all(this.#id, after === undefined ? NOTHING : toBytes(after), list, limit)
      .map(indexRow)
  }

  claim(paths: readonly RelPath[]): void {
    durably(this.#database, () => this.#insertClaims(paths))
    this.#claims = new Set([...this.#claims, ...paths])
  }

  commit(batch: IndexBatch): void {
    durably(this.#database, () => this.#write(batch))
    this.#watermark = batch.watermark ?? this.#watermark
    this.#list = batch.list
    if (batch.claims !== null) this.#claims = new Set(batch.claims)
    if (batch.pendingPuts.length + batch.pendingRemoves.length > 0)
      this.#pending = this.#readPending()
  }

  #write(batch: IndexBatch): void {
    // An id that a transaction made is gone with the transaction.
    this.#epochs.clear()
    this.#writeRows(batch)
    this.#writePending(batch)
    if (batch.claims !== null) {
      this.#database.query('DELETE FROM claim WHERE binding = ?').run(this.#id)
      if (batch.claims.length > 0) this.#insertClaims(batch.claims)
    }
    const { epoch, seq } = batch.watermark ?? { epoch: null, seq: null }
    this.#database
      .query(
        'UPDATE binding SET epoch = ifnull(?, epoch), seq = ifnull(?, seq), list = ? WHERE id = ?',
      )
      .run(epoch, seq, batch.list, this.#id)
  }

  #writeRows({ removes, puts }: IndexBatch): void {
    const remove = this.#database.query('DELETE FROM entry WHERE binding = ? AND path = ?')
    for (const path of removes) remove.run(this.#id, toBytes(path))
    const put = this.#database.query(`INSERT OR REPLACE INTO entry VALUES (${'?, '.repeat(17)}?)`)
    for (const row of puts) put.run(...entryValues(this.#id, this.#epochId(row.epoch), row))
  }

  #writePending({ pendingRemoves, pendingPuts }: IndexBatch): void {
    const remove = this.#database.query('DELETE FROM pending WHERE binding = ? AND path = ?')
    for (const path of pendingRemoves) remove.run(this.#id, toBytes(path))
    const put = this.#database.query('INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?, ?, ?)')
    for (const { path, seq, code, message, isDeletion, list } of pendingPuts)
      put.run(this.#id, toBytes(path), seq, code, message, isDeletion ? 1 : 0, list)
  }

  #insertClaims(paths: readonly RelPath[]): void {
    this.#database
      .query('INSERT INTO claim (binding, paths) VALUES (?, ?)')
      .run(this.#id, joinPaths(paths))
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
