import type { Database, Statement } from 'bun:sqlite'

import type { WithheldOperation } from '../core/change/entry.ts'
import type { HeldRows, SeqRange } from '../core/change/journal-store.ts'
import { COLUMNS, type Column } from './journal-rows.ts'

interface Sums {
  readonly rows: bigint
  readonly deletes: bigint | null
  readonly updates: bigint | null
  readonly bytes: bigint | null
  readonly first: bigint | null
  readonly last: bigint | null
  readonly since: bigint | null
}

const HELD = `FROM entry WHERE source = ?1 AND operation = 'held'`
const KEPT = `FROM entry WHERE source = ?1 AND operation = 'kept'`
const BELOW = 'AND tree_key > ?2 AND tree_key < ?3 LIMIT 1'

/** Few rows are withheld, so none of these may walk all rows: `+seq` keeps SQLite from its index over seqs. */
export const HELD_QUERIES = {
  sums: `SELECT count(*) AS rows, sum(loss_bytes IS NOT NULL AND type IS NULL) AS deletes,
    sum(type IS NOT NULL) AS updates, sum(loss_bytes) AS bytes, min(seq) AS first, max(seq) AS last,
    min(changed_at_ms) AS since ${HELD} AND +seq > ?2`,
  rows: `SELECT ${COLUMNS.join(', ')} ${HELD} AND +seq > ?2 AND +seq <= ?3 ORDER BY tree_key DESC LIMIT ?4`,
  heldBelow: `SELECT 1 ${HELD} ${BELOW}`,
  keptBelow: `SELECT 1 ${KEPT} ${BELOW}`,
  losses: `SELECT count(*) AS count FROM entry WHERE source = ?1 AND loss_bytes IS NOT NULL
    AND changed_at_ms > ?2 AND operation NOT IN ('held', 'kept')`,
  keep: `UPDATE entry SET operation = 'kept' WHERE source = ?1 AND operation = 'held' AND +seq > ?2`,
} as const

/** What a journal holds back; `prepare`d once for all sources. */
export class HeldStatements {
  readonly #sums: Statement<Sums, Column[]>
  readonly #rows: Statement<unknown, Column[]>
  readonly #heldBelow: Statement<unknown, Column[]>
  readonly #keptBelow: Statement<unknown, Column[]>
  readonly #losses: Statement<{ count: bigint }, Column[]>
  readonly #keep: Statement<unknown, Column[]>

  constructor(database: Database) {
    this.#sums = database.query(HELD_QUERIES.sums)
    this.#rows = database.query(HELD_QUERIES.rows)
    this.#heldBelow = database.query(HELD_QUERIES.heldBelow)
    this.#keptBelow = database.query(HELD_QUERIES.keptBelow)
    this.#losses = database.query(HELD_QUERIES.losses)
    this.#keep = database.query(HELD_QUERIES.keep)
  }

  /** Values of `COLUMNS`. */
  rows(source: bigint, { after, upTo, limit }: Omit<SeqRange, 'liveOnly'>): unknown[][] {
    return this.#rows.values(source, after, upTo, limit)
  }

  above(source: bigint, seq: number): HeldRows | null {
    const sums = this.#sums.get(source, seq)
    if (sums === null || sums.rows === 0n) return null
    return {
      deletes: Number(sums.deletes ?? 0),
      updates: Number(sums.updates ?? 0),
      bytes: Number(sums.bytes ?? 0),
      rowCount: Number(sums.rows),
      firstSeq: Number(sums.first ?? 0),
      lastSeq: Number(sums.last ?? 0),
      sinceMs: Number(sums.since ?? 0),
    }
  }

  below(source: bigint, [low, high]: readonly [Uint8Array, Uint8Array]): WithheldOperation | null {
    if (this.#heldBelow.get(source, low, high) !== null) return 'held'
    return this.#keptBelow.get(source, low, high) === null ? null : 'kept'
  }

  lossesSince(source: bigint, atMs: number): number {
    return Number(this.#losses.get(source, atMs)?.count ?? 0)
  }

  keep(source: bigint, after: number): void {
    this.#keep.run(source, after)
  }
}
