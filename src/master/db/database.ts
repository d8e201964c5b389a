import { type LibSQLDatabase, drizzle } from 'drizzle-orm/libsql'

import initial from '../../../migrations/master/0001_initial.sql' with { type: 'text' }
import runningTotals from '../../../migrations/master/0002_running_totals.sql' with { type: 'text' }
import notes from '../../../migrations/master/0003_notes.sql' with { type: 'text' }
import ways from '../../../migrations/master/0004_ways.sql' with { type: 'text' }
import holds from '../../../migrations/master/0005_holds.sql' with { type: 'text' }
import metrics from '../../../migrations/master/0006_metrics.sql' with { type: 'text' }
import targetHolds from '../../../migrations/master/0007_target_holds.sql' with { type: 'text' }
import returned from '../../../migrations/master/0008_returned.sql' with { type: 'text' }
import dialOut from '../../../migrations/master/0009_dial_out.sql' with { type: 'text' }
import { openSqlDatabase } from '../../platform/libsql.ts'

const MIGRATIONS = [
  initial,
  runningTotals,
  notes,
  ways,
  holds,
  metrics,
  targetHolds,
  returned,
  dialOut,
]

/** What reads and writes alike, so that a query can run inside a transaction or outside. */
export type Reader = Pick<LibSQLDatabase, 'select' | 'selectDistinct' | 'all' | 'get'>
export type Writer = Reader & Pick<LibSQLDatabase, 'insert' | 'update' | 'delete' | 'run'>

/** The master's database. Reads see what is committed; every write is a short transaction behind one gate. */
export interface MasterDatabase {
  readonly read: Reader
  /**
   * Runs work in one transaction, alone; it commits when the work resolves. The work may run again where another
   * process held the file, so it must have no other effect, wait for no network, and never call `write` itself.
   */
  write<T>(work: (transaction: Writer) => Promise<T>): Promise<T>
  /** Waits for writes under way, then closes. */
  close(): Promise<void>
}

/** Opens the master's database file and brings its schema up to date; DATA_VERSION, FILE_UNREADABLE. */
export async function openMasterDatabase(file: string): Promise<MasterDatabase> {
  const sql = await openSqlDatabase(file, MIGRATIONS)
  const orm = drizzle(sql.client)
  return {
    read: orm,
    write: (work) => sql.write(() => orm.transaction(work, { behavior: 'immediate' })),
    close: () => sql.close(),
  }
}
