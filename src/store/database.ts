import { Database } from 'bun:sqlite'

import { AppError } from '../core/base/errors.ts'

/** A writer waits so long for a reader's checkpoint or a second opener; past that it is a fault, said as one. */
const BUSY_TIMEOUT_MS = 5000

/** One step of the schema: the text of a numbered SQL file. Step N leads from version N-1 to N; never changed later. */
type Migrations = readonly string[]

export interface DatabaseSource {
  readonly file: string
  readonly migrations: Migrations
}

/**
 * The agent keeps two files, each with one writer: `journal.db` is the agent's, `index.db` the Sync Server's. SQLite
 * allows one write transaction per file at a time, so in a common file either process would stand still while the other
 * waits for its disk, and a long scan would delay receipts.
 *
 * Opens (or makes) the file in WAL mode and brings its schema up to date. Integers come back as bigint: nanoseconds and
 * inode numbers do not fit a number. Transactions survive a killed process; a power cut only in `durably`.
 * Throws DATA_VERSION where a newer program made the file, FILE_UNREADABLE where it cannot be opened.
 */
export function openDatabase(source: DatabaseSource): Database {
  return opened(source.file, () => {
    const database = new Database(source.file, {
      create: true,
      readwrite: true,
      safeIntegers: true,
    })
    try {
      database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
      database.run('PRAGMA journal_mode = WAL')
      database.run('PRAGMA synchronous = NORMAL')
      // Every row is written under a parent that this very process holds, and asking for it each time costs a lookup.
      database.run('PRAGMA foreign_keys = OFF')
      migrate(database, source)
      return database
    } catch (thrown) {
      database.close()
      throw thrown
    }
  })
}

/**
 * Opens an existing file for looking only, beside the process that writes it. Throws DATA_VERSION where its schema is
 * not the one this program knows, FILE_UNREADABLE where it is missing or no database.
 */
export function openDatabaseReadOnly(source: DatabaseSource): Database {
  return opened(source.file, () => {
    const database = new Database(source.file, { readonly: true, safeIntegers: true })
    try {
      database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
      const version = schemaVersion(database)
      if (version !== source.migrations.length) throw versionError(source, version)
      return database
    } catch (thrown) {
      database.close()
      throw thrown
    }
  })
}

/** Runs work in one write transaction: all of it or nothing. Must not be nested. */
export function inTransaction<T>(database: Database, work: () => T): T {
  database.run('BEGIN IMMEDIATE')
  let result: T
  try {
    result = work()
    database.run('COMMIT')
  } catch (thrown) {
    if (database.inTransaction) database.run('ROLLBACK')
    throw thrown
  }
  return result
}

/** Runs work that only reads on one snapshot of the file. Must not be nested. */
export function inReadTransaction<T>(database: Database, work: () => T): T {
  database.run('BEGIN')
  try {
    return work()
  } finally {
    database.run('COMMIT')
  }
}

/** Like `inTransaction`; when it returns, the disk has it and everything committed before: it survives a power cut. */
export function durably<T>(database: Database, work: () => T): T {
  database.run('PRAGMA synchronous = FULL')
  try {
    return inTransaction(database, work)
  } finally {
    database.run('PRAGMA synchronous = NORMAL')
  }
}

function migrate(database: Database, source: DatabaseSource): void {
  const { migrations } = source
  for (;;) {
    const version = schemaVersion(database)
    if (version > migrations.length) throw versionError(source, version)
    if (version === migrations.length) return
    durably(database, () => applyStep(database, migrations))
  }
}

/** Reads the version again, inside the transaction: another opener may have taken the step. */
function applyStep(database: Database, migrations: Migrations): void {
  const version = schemaVersion(database)
  const sql = migrations[version]
  if (sql === undefined) return
  database.run(sql)
  database.run(`PRAGMA user_version = ${version + 1}`)
}

function schemaVersion(database: Database): number {
  const [row] = database.query<[bigint], []>('PRAGMA user_version').values()
  return Number(row?.[0] ?? 0)
}

function versionError(source: DatabaseSource, version: number): AppError {
  const known = source.migrations.length
  return new AppError(
    'DATA_VERSION',
    `cannot open "${source.file}": its schema has version ${version}, this program knows ${known}`,
  )
}

function opened(file: string, open: () => Database): Database {
  try {
    return open()
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    throw new AppError('FILE_UNREADABLE', `cannot open "${file}": ${message}`, { cause: thrown })
  }
}
