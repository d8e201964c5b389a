import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { AppError } from '../../src/core/base/errors.ts'
import {
  durably,
  inTransaction,
  openDatabase,
  openDatabaseReadOnly,
} from '../../src/store/database.ts'

const folder = mkdtempSync(join(tmpdir(), 'cd-database-'))
let count = 0
const newFile = () => join(folder, `${count++}.db`)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const STEPS = [
  'CREATE TABLE item (id INTEGER PRIMARY KEY, value BLOB) STRICT;',
  'ALTER TABLE item ADD COLUMN note TEXT; CREATE INDEX item_note ON item (note);',
]

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.code
    throw thrown
  }
  return 'no error'
}

test('migrations are applied in order, once, and a later one on an older file', () => {
  const file = newFile()
  openDatabase({ file, migrations: STEPS.slice(0, 1) }).close()
  const database = openDatabase({ file, migrations: STEPS })
  database.run("INSERT INTO item (value, note) VALUES (x'00ff', 'n')")
  database.close()
  const again = openDatabase({ file, migrations: STEPS })
  expect(again.query('SELECT note FROM item').all()).toEqual([{ note: 'n' }])
  again.close()
})

test('a file of a newer program, and one that is no database, are refused', () => {
  const file = newFile()
  openDatabase({ file, migrations: STEPS }).close()
  expect(codeOf(() => openDatabase({ file, migrations: STEPS.slice(0, 1) }))).toBe('DATA_VERSION')
  expect(codeOf(() => openDatabaseReadOnly({ file, migrations: STEPS.slice(0, 1) }))).toBe(
    'DATA_VERSION',
  )
  expect(codeOf(() => openDatabaseReadOnly({ file: newFile(), migrations: STEPS }))).toBe(
    'FILE_UNREADABLE',
  )
  const rubbish = newFile()
  writeFileSync(rubbish, 'x'.repeat(5000))
  expect(codeOf(() => openDatabase({ file: rubbish, migrations: STEPS }))).toBe('FILE_UNREADABLE')
})

test('a step that fails leaves the file at the version before it', () => {
  const file = newFile()
  const broken = [...STEPS.slice(0, 1), 'CREATE TABLE other (id INTEGER) STRICT; NONSENSE;']
  expect(codeOf(() => openDatabase({ file, migrations: broken }))).toBe('FILE_UNREADABLE')
  const database = openDatabase({ file, migrations: STEPS })
  expect(database.query("SELECT name FROM sqlite_master WHERE name = 'other'").all()).toEqual([])
  database.close()
})

test('work that throws changes nothing, in either kind of transaction', () => {
  const database = openDatabase({ file: newFile(), migrations: STEPS })
  for (const run of [inTransaction, durably]) {
    expect(() =>
      run(database, () => {
        database.run('INSERT INTO item (id) VALUES (1)')
        throw new Error('stop')
      }),
    ).toThrow('stop')
  }
  expect(database.query('SELECT id FROM item').all()).toEqual([])
  database.close()
})

test('integers keep 64 bits, and a reader sees commits of the writer', () => {
  const file = newFile()
  const database = openDatabase({ file, migrations: STEPS })
  const reader = openDatabaseReadOnly({ file, migrations: STEPS })
  durably(database, () => database.query('INSERT INTO item (id) VALUES (?)').run(2n ** 62n + 1n))
  expect(reader.query('SELECT id FROM item').all()).toEqual([{ id: 2n ** 62n + 1n }])
  expect(() => reader.run('DELETE FROM item')).toThrow('readonly')
  reader.close()
  database.close()
})
