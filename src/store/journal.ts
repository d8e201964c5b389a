import type { Database, Statement } from 'bun:sqlite'

import firstStep from '../../migrations/agent/journal/0001_journal.sql' with { type: 'text' }
import attributes from '../../migrations/agent/journal/0002_attributes.sql' with { type: 'text' }
import withheld from '../../migrations/agent/journal/0003_withheld.sql' with { type: 'text' }
import type { WithheldOperation } from '../core/change/entry.ts'
import type {
  HashFinding,
  HeldRows,
  JournalState,
  JournalStore,
  RowPage,
  SeqRange,
} from '../core/change/journal-store.ts'
import type { JournalRow } from '../core/change/row.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { durably, inTransaction } from './database.ts'
import { HeldStatements } from './journal-held.ts'
import {
  COLUMNS,
  type Column,
  type StoredColumns,
  asSigned,
  fromColumns,
  keyBytes,
  toColumns,
} from './journal-rows.ts'
import { getState, putState } from './journal-states.ts'

/** The schema of `journal.db`, for `openDatabase`. */
export const JOURNAL_MIGRATIONS = [firstStep, attributes, withheld] as const

const NAMES = COLUMNS.join(', ')
const REPLACED = COLUMNS.slice(1)
  .map((name) => `${name} = excluded.${name}`)
  .join(', ')
const SELECT = `SELECT ${NAMES} FROM entry WHERE source = ?1`
const WITHHELD = `operation IN ('held', 'kept')`
/** Everything below a folder: its key and a separator up to its key and what follows the separator. */
const BELOW = `${SELECT} AND type IS NOT NULL AND tree_key > ?2 AND tree_key < ?3`

/** The journal of one source in `journal.db`. One object per source; all share the database and its one transaction. */
export class SqliteJournalStore implements JournalStore {
  readonly #database: Database
  readonly #sourceId: string
  /** The row of `source`; null until the first state is put, and before it there are no entries. */
  #source: bigint | null
  readonly #statements: Statements
  readonly #held: HeldStatements

  constructor(database: Database, sourceId: string) {
    this.#database = database
    this.#sourceId = sourceId
    this.#source = getState(database, sourceId)?.source ?? null
    this.#statements = prepare(database)
    this.#held = new HeldStatements(database)
  }

  state(): JournalState | null {
    return getState(this.#database, this.#sourceId)?.state ?? null
  }

  putState(state: JournalState): void {
    this.#source = putState(this.#database, this.#sourceId, state)
  }

  get(path: RelPath): JournalRow | null {
    return rowsOf(this.#statements.get.values(this.#key(), keyBytes(path)))[0] ?? null
  }

  put(row: JournalRow): void {
    this.#statements.put.run(this.#key(), ...toColumns(row))
  }

  keepHash({ path, seq, hash, fingerprint }: HashFinding): void {
    const { type, size, mtimeNs, ctimeNs, inode } = fingerprint
    const looks = [type, size, mtimeNs, ctimeNs, asSigned(inode)]
    const place = [this.#key(), keyBytes(path), seq]
    this.#statements.keepHash.run(...place, ...looks, Buffer.from(hash, 'hex'))
  }

  liveBelow({ folder, beyond, limit, direction }: RowPage): JournalRow[] {
    const [low, high] = subtree(folder)
    const edge = beyond === null ? null : keyBytes(beyond)
    const statement = this.#statements[direction]
    const range = direction === 'parentsFirst' ? [edge ?? low, high] : [low, edge ?? high]
    return rowsOf(statement.values(this.#key(), ...range, limit))
  }

  liveByInode(inode: bigint, limit: number): JournalRow[] {
    return rowsOf(this.#statements.byInode.values(this.#key(), asSigned(inode), limit))
  }

  changes({ after, upTo, limit, liveOnly }: SeqRange): JournalRow[] {
    const statement = liveOnly ? this.#statements.liveChanges : this.#statements.changes
    return rowsOf(statement.values(this.#key(), after, upTo, limit))
  }

  lossesSince(atMs: number): number {
    return this.#held.lossesSince(this.#key(), atMs)
  }

  heldAbove(seq: number): HeldRows | null {
    return this.#held.above(this.#key(), seq)
  }

  withheldBelow(folder: RelPath): WithheldOperation | null {
    return this.#held.below(this.#key(), subtree(folder))
  }

  held(range: Omit<SeqRange, 'liveOnly'>): JournalRow[] {
    return rowsOf(this.#held.rows(this.#key(), range))
  }

  keepHeld(after: number): void {
    this.#held.keep(this.#key(), after)
  }

  drop(which: 'tombstones' | 'everything'): void {
    const condition = which === 'tombstones' ? `AND type IS NULL AND NOT ${WITHHELD}` : ''
    this.#database.query(`DELETE FROM entry WHERE source = ? ${condition}`).run(this.#key())
  }

  durably<T>(work: () => T): T {
    return durably(this.#database, () => this.#kept(work))
  }

  atomically<T>(work: () => T): T {
    return inTransaction(this.#database, () => this.#kept(work))
  }

  /** A source that was made in a transaction that came to nothing is not there. */
  #kept<T>(work: () => T): T {
    const source = this.#source
    try {
      return work()
    } catch (thrown) {
      this.#source = source
      throw thrown
    }
  }

  #key(): bigint {
    return this.#source ?? -1n
  }
}

type Query = Statement<unknown, Column[]>

interface Statements {
  readonly get: Query
  readonly put: Query
  readonly keepHash: Query
  readonly parentsFirst: Query
  readonly deepestFirst: Query
  readonly byInode: Query
  readonly changes: Query
  readonly liveChanges: Query
}

/** `query` keeps one compiled statement per text, so all sources share them. */
function prepare(database: Database): Statements {
  const query = (sql: string) => database.query<unknown, Column[]>(sql)
  const bySeq = 'ORDER BY seq LIMIT ?4'
  const values = COLUMNS.map((_name, index) => `?${index + 2}`).join(', ')
  return {
    get: query(`${SELECT} AND tree_key = ?2`),
    put: query(
      `INSERT INTO entry (source, ${NAMES}) VALUES (?1, ${values})
       ON CONFLICT (source, tree_key) DO UPDATE SET ${REPLACED}`,
    ),
    // In one step, without reading the row: a first run does this for every file.
    keepHash: query(
      `UPDATE entry SET hash = ?9, hash_trust = 'trusted' WHERE source = ?1 AND tree_key = ?2
       AND seq = ?3 AND type = ?4 AND size = ?5 AND mtime_ns = ?6 AND ctime_ns = ?7 AND inode = ?8`,
    ),
    parentsFirst: query(`${BELOW} ORDER BY tree_key LIMIT ?4`),
    deepestFirst: query(`${BELOW} ORDER BY tree_key DESC LIMIT ?4`),
    byInode: query(`${SELECT} AND inode = ?2 AND type IS NOT NULL ORDER BY id LIMIT ?3`),
    changes: query(`${SELECT} AND seq > ?2 AND seq <= ?3 ${bySeq}`),
    // What is withheld is named as well: else a full list would say that it is gone.
    liveChanges: query(
      `${SELECT} AND seq > ?2 AND seq <= ?3 AND (type IS NOT NULL OR ${WITHHELD}) ${bySeq}`,
    ),
  }
}

function rowsOf(values: unknown[][]): JournalRow[] {
  return values.map((columns) => fromColumns(columns as StoredColumns))
}

/** Both ends are outside: the folder's own key with a separator is no path. The root holds everything but itself. */
function subtree(folder: RelPath): [low: Uint8Array, high: Uint8Array] {
  if (folder === '') return [new Uint8Array(), PAST_EVERY_NAME]
  const key = keyBytes(folder)
  return [Buffer.concat([key, Uint8Array.of(0)]), Buffer.concat([key, Uint8Array.of(1)])]
}

/** One byte longer than the longest name. */
const PAST_EVERY_NAME = new Uint8Array(256).fill(0xff)
