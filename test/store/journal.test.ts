import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { RelPath } from '../../src/core/path/rel-path.ts'
import { openDatabase } from '../../src/store/database.ts'
import { HELD_QUERIES } from '../../src/store/journal-held.ts'
import { JOURNAL_MIGRATIONS, SqliteJournalStore } from '../../src/store/journal.ts'
import { MemoryJournalStore } from '../fakes/memory-journal-store.ts'
import { journalStoreSuite } from './journal.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'cd-journal-'))
const database = openDatabase({
  file: join(folder, 'journal.db'),
  migrations: JOURNAL_MIGRATIONS,
})
afterAll(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

let count = 0
journalStoreSuite('journal in SQLite', () => new SqliteJournalStore(database, `s${count++}`))
journalStoreSuite('journal in memory', () => new MemoryJournalStore())

test('sources in one database do not see each other', () => {
  const [left, right] = [1, 2].map(() => new SqliteJournalStore(database, `s${count++}`))
  if (left === undefined || right === undefined) throw new Error('two stores')
  const state = {
    epoch: 'e',
    headSeq: 1,
    reservedSeq: 1,
    isClean: false,
    root: null,
    view: '',
    viewRevision: 0,
    fileCount: 0,
    totalBytes: 0,
    completeAtMs: null,
    releasedSeq: 0,
  }
  const row = {
    path: 'a' as RelPath,
    seq: 1,
    operation: 'delete',
    from: null,
    state: null,
    hash: null,
    hashTrust: 'unknown',
    isRacy: false,
    changedAtMs: 0,
  } as const
  for (const store of [left, right]) store.durably(() => store.putState(state))
  left.durably(() => left.put(row))
  expect(right.get(row.path)).toBeNull()
  right.durably(() => right.put({ ...row, seq: 1 }))
  right.durably(() => right.drop('everything'))
  expect(left.get(row.path)).toEqual(row)
})

test.each(Object.entries(HELD_QUERIES))(
  'what is withheld is found without the rest: %s',
  (_, sql) => {
    const plan = database.query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`).all()
    expect(plan).toHaveLength(1)
    expect(plan[0]?.detail).toMatch(/ (entry_held|entry_kept|entry_loss) /)
  },
)
