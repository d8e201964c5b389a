import type { Database, Statement } from 'bun:sqlite'

import type { Absence, IndexRow } from '../core/apply/index-store.ts'
import { toBytes } from '../core/base/byte-string.ts'
import type { Position } from '../core/change/entry.ts'

/** Paths of one binding that are remembered so; whoever lacks more than these must ask their source itself. */
const ABSENT_MAX = 100_000
/** So many of them are forgotten at once, oldest first. */
const FORGOTTEN_AT_ONCE = ABSENT_MAX / 10

interface AbsentBatch {
  readonly absences: readonly Absence[]
  /** Rows of what is there now. */
  readonly placed: Iterable<Pick<IndexRow, 'path' | 'seq'>>
  /** The watermark before and after. */
  readonly before: Position | null
  readonly after: Position | null
  readonly epochId: (epoch: string) => bigint
}

/**
 * What left one binding or is withheld from it, and since when everything that did is known: within an epoch, from the
 * position on at which its full list ended. How many there are is kept in memory, so that where there are none nothing is asked.
 */
export class IndexAbsent {
  readonly #id: bigint
  readonly #statements: Statements
  #count: number

  constructor(database: Database, id: bigint) {
    this.#id = id
    this.#statements = prepare(database)
    this.#count = Number(this.#statements.count.get(id)?.count ?? 0n)
  }

  /** There are none any more. */
  forget(): void {
    this.#count = 0
  }

  /** Writes what a batch says, within its transaction; `taken` is to be called once that is committed. */
  write(batch: AbsentBatch): { taken: () => void } {
    const { absences, placed, before, after, epochId } = batch
    let count = this.#count
    if (count > 0)
      for (const { path, seq } of placed)
        count -= this.#statements.removeOlder.run(this.#id, toBytes(path), seq).changes
    for (const { path, epoch, seq, operation } of absences) {
      count -= this.#statements.remove.run(this.#id, toBytes(path)).changes
      const values = [this.#id, toBytes(path), epochId(epoch), seq, operation] as const
      count += this.#statements.put.run(...values).changes
    }
    if (after !== null && after.epoch !== before?.epoch) {
      count -= this.#statements.removeOthers.run(this.#id, epochId(after.epoch)).changes
      this.#statements.since.run(after.seq, this.#id)
    }
    if (count > ABSENT_MAX) count -= this.#forgetOldest()
    return { taken: () => (this.#count = count) }
  }

  #forgetOldest(): number {
    const last = this.#statements.oldest.get(this.#id, FORGOTTEN_AT_ONCE - 1)
    if (last === null) return 0
    this.#statements.sinceAtLeast.run(last.seq, this.#id)
    return this.#statements.removeUpTo.run(this.#id, last.seq).changes
  }
}

type Id = bigint
type Bytes = Uint8Array

interface Statements {
  readonly count: Statement<{ count: bigint }, [Id]>
  readonly put: Statement<unknown, [Id, Bytes, bigint, number, string]>
  readonly remove: Statement<unknown, [Id, Bytes]>
  readonly removeOlder: Statement<unknown, [Id, Bytes, number]>
  readonly removeOthers: Statement<unknown, [Id, bigint]>
  readonly removeUpTo: Statement<unknown, [Id, bigint]>
  readonly oldest: Statement<{ seq: bigint }, [Id, number]>
  readonly since: Statement<unknown, [number, Id]>
  readonly sinceAtLeast: Statement<unknown, [bigint, Id]>
}

function prepare(database: Database): Statements {
  return {
    count: database.prepare('SELECT count(*) AS count FROM absent WHERE binding = ?'),
    put: database.prepare(
      'INSERT INTO absent (binding, path, epoch_id, seq, operation) VALUES (?, ?, ?, ?, ?)',
    ),
    remove: database.prepare('DELETE FROM absent WHERE binding = ? AND path = ?'),
    removeOlder: database.prepare('DELETE FROM absent WHERE binding = ? AND path = ? AND seq < ?'),
    removeOthers: database.prepare('DELETE FROM absent WHERE binding = ? AND epoch_id <> ?'),
    removeUpTo: database.prepare('DELETE FROM absent WHERE binding = ? AND seq <= ?'),
    oldest: database.prepare(
      'SELECT seq FROM absent WHERE binding = ? ORDER BY seq LIMIT 1 OFFSET ?',
    ),
    since: database.prepare('UPDATE binding SET absent_since = ? WHERE id = ?'),
    sinceAtLeast: database.prepare(
      'UPDATE binding SET absent_since = max(absent_since, ?) WHERE id = ?',
    ),
  }
}
