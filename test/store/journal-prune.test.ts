import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { RelPath } from '../../src/core/path/rel-path.ts'
import { openDatabase } from '../../src/store/database.ts'
import { dropForgotten } from '../../src/store/journal-prune.ts'
import { JOURNAL_MIGRATIONS, SqliteJournalStore } from '../../src/store/journal.ts'

const folder = mkdtempSync(join(tmpdir(), 'cd-journal-prune-'))
const database = openDatabase({ file: join(folder, 'journal.db'), migrations: JOURNAL_MIGRATIONS })
afterAll(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

function makeJournal(sourceId: string, completeAtMs: number | null, rows: number): void {
  const store = new SqliteJournalStore(database, sourceId)
  const none = { fileCount: 0, totalBytes: 0, viewRevision: 0, releasedSeq: 0 }
  const counts = { headSeq: rows, reservedSeq: rows, ...none }
  store.atomically(() => {
    store.putState({ epoch: 'e', isClean: true, root: null, view: '', ...counts, completeAtMs })
    for (let seq = 1; seq <= rows; seq++) {
      const path = `p${seq}` as RelPath
      const nothing = { from: null, state: null, hash: null, hashTrust: 'unknown' } as const
      store.put({ path, seq, operation: 'delete', ...nothing, isRacy: false, changedAtMs: 0 })
    }
  })
}

const statesOf = (...ids: string[]) =>
  ids.map((id) => new SqliteJournalStore(database, id).state() !== null)
const rowCount = () => database.query<{ n: bigint }, []>('SELECT count(*) n FROM entry').get()?.n

test('only journals of sources that left long ago are deleted, a stretch at a time', () => {
  makeJournal('watched', 1000, 3)
  makeJournal('left lately', 3000, 4)
  makeJournal('left long ago', 1000, 10_500)
  makeJournal('never complete', null, 2)
  const forgotten = { keep: new Set(['watched']), beforeMs: 2000 }
  let stretches = 0
  while (dropForgotten(database, forgotten)) stretches++
  expect(stretches).toBe(3)
  expect(statesOf('watched', 'left lately', 'left long ago', 'never complete')).toEqual([
    true,
    true,
    false,
    false,
  ])
  expect(rowCount()).toBe(7n)
})
