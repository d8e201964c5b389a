import { Database } from 'bun:sqlite'

import { AppError } from '../core/base/errors.ts'

/** Held by the one process that runs on a data folder; the kernel takes it back when that process dies. */
export interface DataLock {
  release(): void
}

/**
 * Takes the lock file of a data folder without waiting. Through SQLite, because its file locks are the same on every
 * platform. Throws DATA_DIR_LOCKED where another process, or this one, holds it.
 */
export function takeDataLock(directory: string, lockFile: string): DataLock {
  const database = new Database(lockFile, { create: true, readwrite: true })
  try {
    database.run('PRAGMA busy_timeout = 0')
    database.run('PRAGMA journal_mode = MEMORY')
    database.run('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw lockError(directory, error)
  }
  return { release: () => database.close() }
}

function lockError(directory: string, error: unknown): unknown {
  const busy = error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'
  if (!busy) return error
  const message = `cannot lock "${directory}": another process runs on it`
  return new AppError('DATA_DIR_LOCKED', message, { cause: error })
}
