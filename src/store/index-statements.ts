import type { Database, Statement } from 'bun:sqlite'

import type { EntryRecord, EntryValues, PendingValues } from './index-rows.ts'

type Id = bigint
type Bytes = Uint8Array

/** Prepared once: looking a long text up among known statements costs as much as running it. */
export interface IndexStatements {
  readonly get: Statement<EntryRecord, [Id, Bytes]>
  readonly findByHash: Statement<EntryRecord, [Id, Bytes, number]>
  readonly namesOf: Statement<EntryRecord, [Id, string, Bytes, number]>
  readonly namesOn: Statement<EntryRecord, [Id, string, bigint, number]>
  readonly fileOn: Statement<{ file_key: string }, [Id, bigint]>
  readonly sharedCtime: Statement<{ ctime_ns: bigint }, [Id, bigint]>
  readonly putShared: Statement<unknown, [Id, bigint, string, bigint]>
  readonly after: Statement<EntryRecord, [Id, Bytes, number]>
  readonly between: Statement<EntryRecord, [Id, Bytes, Bytes, number]>
  readonly older: Statement<EntryRecord, [Id, number, number]>
  readonly olderAfter: Statement<EntryRecord, [Id, Bytes, number, number]>
  readonly put: Statement<unknown, EntryValues>
  readonly remove: Statement<unknown, [Id, Bytes]>
  /** Only of the version with this seq. */
  readonly outdate: Statement<unknown, [Id, Bytes, number]>
  readonly putPending: Statement<unknown, PendingValues>
  readonly removePending: Statement<unknown, [Id, Bytes]>
}

const ROWS = 'SELECT * FROM entry WHERE binding = ?'
const PAGE = 'ORDER BY path LIMIT ?'
/** Of a row of `shared`: a name of the file is left on the inode. */
export const IS_NAMED = `EXISTS (SELECT 1 FROM entry INDEXED BY entry_names WHERE
  entry.binding = shared.binding AND entry.file_key = shared.file_key AND disk_inode = shared.inode)`
const NAMES = 'SELECT * FROM entry INDEXED BY entry_names WHERE binding = ? AND file_key = ?'

/** Prepares every statement on rows and pending entries. */
export function prepareStatements(database: Database): IndexStatements {
  return {
    get: database.prepare(`${ROWS} AND path = ?`),
    // Told which index, because without statistics the planner walks the whole binding in order of path.
    findByHash: database.prepare(
      `SELECT * FROM entry INDEXED BY entry_hash WHERE binding = ? AND hash = ? ${PAGE}`,
    ),
    namesOf: database.prepare(`${NAMES} AND hash = ? ${PAGE}`),
    namesOn: database.prepare(`${NAMES} AND disk_inode = ? ${PAGE}`),
    fileOn: database.prepare(
      `SELECT file_key FROM shared WHERE binding = ? AND inode = ? AND ${IS_NAMED}`,
    ),
    sharedCtime: database.prepare('SELECT ctime_ns FROM shared WHERE binding = ? AND inode = ?'),
    putShared: database.prepare('INSERT OR REPLACE INTO shared VALUES (?, ?, ?, ?)'),
    after: database.prepare(`${ROWS} AND path > ? ${PAGE}`),
    between: database.prepare(`${ROWS} AND path > ? AND path < ? ${PAGE}`),
    older: database.prepare(`${ROWS} AND list < ? ${PAGE}`),
    olderAfter: database.prepare(`${ROWS} AND path > ? AND list < ? ${PAGE}`),
    put: database.prepare(`INSERT OR REPLACE INTO entry VALUES (${'?, '.repeat(19)}?)`),
    remove: database.prepare('DELETE FROM entry WHERE binding = ? AND path = ?'),
    outdate: database.prepare(
      'UPDATE entry SET seq = 0 WHERE binding = ? AND path = ? AND seq = ?',
    ),
    putPending: database.prepare(`INSERT OR REPLACE INTO pending VALUES (${'?, '.repeat(14)}?)`),
    removePending: database.prepare('DELETE FROM pending WHERE binding = ? AND path = ?'),
  }
}
