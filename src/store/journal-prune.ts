import type { Database } from 'bun:sqlite'

import { inTransaction } from './database.ts'

/** Rows of one transaction: what else happens on the event loop gets its turn in between. */
const CHUNK_ROWS = 10_000

export interface ForgottenSources {
  /** The sources that are watched, or are to be. */
  readonly keep: ReadonlySet<string>
  /** A journal that was complete later than this is kept: its source may come back. */
  readonly beforeMs: number
}

/**
 * Deletes a stretch of the journals of sources that are watched no longer; false once nothing is left to delete. One that
 * comes back afterwards begins a new epoch, and full lists are compared.
 */
export function dropForgotten(database: Database, sources: ForgottenSources): boolean {
  const found = database
    .query<{ id: bigint; source_id: string }, [number]>(
      'SELECT id, source_id FROM source WHERE coalesce(complete_at_ms, 0) < ?',
    )
    .all(sources.beforeMs)
    .find((row) => !sources.keep.has(row.source_id))
  if (found === undefined) return false
  inTransaction(database, () => dropStretch(database, found.id))
  return true
}

function dropStretch(database: Database, source: bigint): void {
  const { changes } = database
    .query('DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE source = ? LIMIT ?)')
    .run(source, CHUNK_ROWS)
  if (changes < CHUNK_ROWS) database.query('DELETE FROM source WHERE id = ?').run(source)
}
