import type { Database, Statement } from 'bun:sqlite'

import type { IndexRow } from '../core/apply/index-store.ts'
import type { AbsentOperation } from '../core/change/entry.ts'
import type { KnownRoot } from '../core/change/known-root.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { inReadTransaction } from './database.ts'
import { type EntryRecord, type RootRecord, indexRow, receivedRoot } from './index-rows.ts'
import { storedBytes } from './stored-bytes.ts'

/** Where a target stands, and how far it can tell others what left. */
export interface HeldPosition {
  readonly epoch: string
  readonly seq: number
  /** Whatever left after this seq is known to have left. */
  readonly absentSince: number
}

/** What a target holds at a path, or what else its source said of it. */
export type HeldRow =
  | { readonly kind: 'present'; readonly row: IndexRow }
  | {
      readonly kind: 'absent'
      readonly path: RelPath
      readonly seq: number
      readonly operation: AbsentOperation
    }

export interface HeldRange {
  readonly after: number
  readonly upTo: number
  readonly limit: number
  /** Without what is gone; what is withheld may lie there. */
  readonly liveOnly: boolean
}

/**
 * What one target holds, for whoever serves others from it: read beside the process that writes it, each call as of its
 * own moment.
 */
export class Holding {
  readonly #database: Database
  readonly #bindingId: string
  readonly #statements: Statements

  constructor(database: Database, bindingId: string) {
    this.#database = database
    this.#bindingId = bindingId
    this.#statements = prepare(database)
  }

  /** Null where nothing was received to its end yet. */
  position(): HeldPosition | null {
    const record = this.#binding()
    if (record === null || record.epoch === null || record.seq === null) return null
    const { epoch, seq, absent_since: since } = record
    return { epoch, seq: Number(seq), absentSince: Number(since ?? seq) }
  }

  /** The folder that was received into; null where that is not known. */
  root(): KnownRoot | null {
    const record = this.#binding()
    return record === null ? null : receivedRoot(record)
  }

  /**
   * Rows of the watermark's epoch with `after < seq <= upTo` in order of seq. Null where the target does not hold all up to
   * its watermark as its source said: something is pending, another source's version lies somewhere, its file system cannot
   * hold something at all, or it is taking in another epoch.
   */
  rows(range: HeldRange): HeldRow[] | null {
    return inReadTransaction(this.#database, () => this.#rows(range))
  }

  #rows({ after, upTo, limit, liveOnly }: HeldRange): HeldRow[] | null {
    const binding = this.#binding()
    if (binding === null || binding.epoch === null) return null
    const epoch = this.#statements.epoch.get(binding.epoch)
    if (epoch === null || this.#statements.isBroken.get(binding.id, epoch.id) !== null) return null
    const place = [binding.id, epoch.id, after, upTo, limit] as const
    const present = this.#statements.present
      .all(...place)
      .map((record): HeldRow => ({ kind: 'present', row: this.#present(binding, record) }))
    const { absent: all, withheld } = this.#statements
    const absent = (liveOnly ? withheld : all).all(...place).map(absentRow)
    if (absent.length === 0) return present
    return [...present, ...absent]
      .toSorted((one, other) => seqOf(one) - seqOf(other))
      .slice(0, limit)
  }

  #present(binding: BindingRecord, record: EntryRecord): IndexRow {
    const row = indexRow(record, binding.epoch ?? '')
    if (record.file_key === null) return row
    const shared = this.#statements.sharedCtime.get(binding.id, record.disk_inode)
    return { ...row, sharedCtimeNs: shared?.ctime_ns }
  }

  #binding(): BindingRecord | null {
    return this.#statements.binding.get(this.#bindingId)
  }
}

function seqOf(one: HeldRow): number {
  return one.kind === 'present' ? one.row.seq : one.seq
}

interface BindingRecord extends RootRecord {
  readonly id: bigint
  readonly epoch: string | null
  readonly seq: bigint | null
  readonly absent_since: bigint | null
}

interface AbsentRecord {
  readonly path: Uint8Array
  readonly seq: bigint
  readonly operation: AbsentOperation
}

function absentRow({ path, seq, operation }: AbsentRecord): HeldRow {
  const at = storedBytes(path) as RelPath
  return { kind: 'absent', path: at, seq: Number(seq), operation }
}

type Id = bigint
type Stretch = readonly [binding: Id, epoch: Id, after: number, upTo: number, limit: number]

interface Statements {
  readonly binding: Statement<BindingRecord, [string]>
  readonly epoch: Statement<{ id: bigint }, [string]>
  readonly isBroken: Statement<{ 1: bigint }, [Id, Id]>
  readonly present: Statement<EntryRecord, [...Stretch]>
  readonly absent: Statement<AbsentRecord, [...Stretch]>
  readonly withheld: Statement<AbsentRecord, [...Stretch]>
  readonly sharedCtime: Statement<{ ctime_ns: bigint }, [Id, bigint]>
}

const STRETCH = 'binding = ? AND epoch_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?'

const ABSENT = 'SELECT path, seq, operation FROM absent'

function prepare(database: Database): Statements {
  return {
    binding: database.prepare('SELECT * FROM binding WHERE binding_id = ?'),
    epoch: database.prepare('SELECT id FROM epoch WHERE epoch = ?'),
    isBroken: database.prepare(`SELECT 1 WHERE
      EXISTS (SELECT 1 FROM pending WHERE binding = ?1)
      OR EXISTS (SELECT 1 FROM note WHERE binding = ?1 AND code IN ('CONFLICT', 'TYPE_UNSUPPORTED'))
      OR EXISTS (SELECT 1 FROM entry INDEXED BY entry_seq WHERE binding = ?1 AND epoch_id < ?2)
      OR EXISTS (SELECT 1 FROM entry INDEXED BY entry_seq WHERE binding = ?1 AND epoch_id > ?2)`),
    present: database.prepare(`SELECT * FROM entry INDEXED BY entry_seq WHERE NOT EXISTS (
      SELECT 1 FROM absent WHERE absent.binding = entry.binding AND absent.path = entry.path
    ) AND ${STRETCH}`),
    absent: database.prepare(`${ABSENT} WHERE ${STRETCH}`),
    withheld: database.prepare(`${ABSENT} WHERE operation IN ('held', 'kept') AND ${STRETCH}`),
    sharedCtime: database.prepare('SELECT ctime_ns FROM shared WHERE binding = ? AND inode = ?'),
  }
}
