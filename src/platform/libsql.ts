import { type Client, LibsqlError, type Transaction, createClient } from '@libsql/client'

import { AppError } from '../core/base/errors.ts'
import { WriteGate } from './write-gate.ts'

/** Blocks the event loop meanwhile, and only bridges the short writes of other processes on the same file. */
const BUSY_TIMEOUT_MS = 100
/** Past that, waiting goes on without blocking. */
const BUSY_ATTEMPTS = 50
const BUSY_PAUSE_MS = 50

/** One step of the schema: the text of a numbered SQL file. Step N leads from version N-1 to N; never changed later. */
export type Migrations = readonly string[]

/** An open SQLite file. Reads go straight to `client`, every write through `write`. */
export interface SqlDatabase {
  readonly client: Client
  /**
   * Runs work that writes, alone in this process, and again where another process held the file (SQLITE_BUSY), so the
   * work must have no effect but its transaction, and must not wait for the network. It writes in a transaction that it
   * begins, never by a statement alone: the library leaves a statement that met a lock unfinished on its connection, where
   * it keeps a later statement from committing and rolls it back when it is collected.
   */
  write<T>(work: () => Promise<T>): Promise<T>
  /** Waits for writes under way, then closes. */
  close(): Promise<void>
}

/**
 * Opens (or makes) the SQLite file and brings its schema up to date, each step in its own transaction.
 * Throws DATA_VERSION where a newer program made the file, FILE_UNREADABLE where it cannot be opened.
 */
export async function openSqlDatabase(file: string, migrations: Migrations): Promise<SqlDatabase> {
  const client = connect(file)
  const gate = new WriteGate()
  const write = <T>(work: () => Promise<T>) => gate.run(() => retryWhileBusy(work))
  try {
    await client.execute('PRAGMA journal_mode = WAL')
    await write(() => migrate({ client, file, migrations }))
  } catch (thrown) {
    client.close()
    throw asOpenError(file, thrown)
  }
  const close = async () => {
    await gate.idle()
    client.close()
    await checkpoint(file)
  }
  return { client, write, close }
}

function connect(file: string): Client {
  try {
    return createClient({
      url: `file:${file.split('/').map(encodeURIComponent).join('/')}`,
      timeout: BUSY_TIMEOUT_MS,
    })
  } catch (thrown) {
    throw asOpenError(file, thrown)
  }
}

/**
 * Moves what is in the write-ahead log into the file, so that the file alone is whole. By a connection of its own: one
 * that was in use may be left with a statement that locks it. Where another process holds the file, that one does it.
 */
async function checkpoint(file: string): Promise<void> {
  const client = connect(file)
  try {
    await client.execute('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch (thrown) {
    if (!isBusy(thrown)) throw thrown
  } finally {
    client.close()
  }
}

async function migrate(target: { client: Client; file: string; migrations: Migrations }) {
  const { client, file, migrations } = target
  const version = await schemaVersion(client)
  if (version > migrations.length) {
    throw new AppError(
      'DATA_VERSION',
      `cannot open "${file}": its schema has version ${version}, this program knows ${migrations.length}`,
    )
  }
  for (const [index, sql] of migrations.entries()) {
    if (index >= version) await applyStep(client, { sql, version: index + 1 })
  }
}

async function applyStep(client: Client, step: { sql: string; version: number }) {
  const transaction = await client.transaction('write')
  try {
    await stepWithin(transaction, step)
    await transaction.commit()
  } finally {
    transaction.close()
  }
}

async function stepWithin(transaction: Transaction, step: { sql: string; version: number }) {
  // Another process may have taken the step since the version was read.
  const row = await transaction.execute('PRAGMA user_version')
  if (Number(row.rows[0]?.[0] ?? 0) >= step.version) return
  await transaction.executeMultiple(step.sql)
  await transaction.execute(`PRAGMA user_version = ${step.version}`)
}

async function schemaVersion(client: Client): Promise<number> {
  const result = await client.execute('PRAGMA user_version')
  return Number(result.rows[0]?.[0] ?? 0)
}

async function retryWhileBusy<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (thrown) {
      if (!isBusy(thrown) || attempt === BUSY_ATTEMPTS) throw thrown
      // What met a lock is unfinished on its connection until it is collected, and no attempt could commit before that.
      Bun.gc(true)
      await Bun.sleep(BUSY_PAUSE_MS)
    }
  }
}

function isBusy(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof LibsqlError && error.code.startsWith('SQLITE_BUSY')) return true
  }
  return false
}

function asOpenError(file: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new AppError('FILE_UNREADABLE', `cannot open "${file}": ${message}`, { cause: thrown })
}
