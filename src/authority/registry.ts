import { drizzle, type LibSQLDatabase } from 'drizzle-orm/libsql'

import initial from '../../migrations/authority/0001_initial.sql' with { type: 'text' }
import { openSqlDatabase } from '../platform/libsql.ts'

export type Reader = Pick<LibSQLDatabase, 'select'>
export type Writer = Reader & Pick<LibSQLDatabase, 'insert' | 'update'>

/** The authority's database: companies, sites, what was issued, and the log of acts. */
export interface Registry {
  readonly read: Reader
  /** Runs work in one transaction, alone; it may run again where another process held the file. */
  write<T>(work: (transaction: Writer) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Opens the registry's file and brings its schema up to date; DATA_VERSION, FILE_UNREADABLE. */
export async function openRegistry(file: string): Promise<Registry> {
  const sql = await openSqlDatabase(file, [initial])
  const orm = drizzle(sql.client)
  return {
    read: orm,
    write: (work) => sql.write(() => orm.transaction(work, { behavior: 'immediate' })),
    close: () => sql.close(),
  }
}
