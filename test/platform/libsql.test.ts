import { afterEach, expect, test } from 'bun:test'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openSqlDatabase } from '../../src/platform/libsql.ts'
import { codeOf } from '../fakes/eventually.ts'

const folders: string[] = []
const STEPS = [
  'CREATE TABLE t (v INTEGER)',
  'ALTER TABLE t ADD COLUMN w TEXT; INSERT INTO t VALUES (1, 2)',
]

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cd libsql # '))
  folders.push(folder)
  return join(folder, 'a b?.db')
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

test('steps are applied once, each after the other', async () => {
  const file = newFile()
  await (await openSqlDatabase(file, STEPS.slice(0, 1))).close()
  await (await openSqlDatabase(file, STEPS)).close()
  const database = await openSqlDatabase(file, STEPS)
  expect((await database.client.execute('SELECT v, w FROM t')).rows.length).toBe(1)
  await database.close()
})

test('a closed file is whole without what lay beside it', async () => {
  const file = newFile()
  const database = await openSqlDatabase(file, STEPS)
  await database.write(() => database.client.execute('INSERT INTO t VALUES (3, 4)'))
  await database.close()
  const alone = newFile()
  copyFileSync(file, alone)
  const copy = await openSqlDatabase(alone, STEPS)
  expect((await copy.client.execute('SELECT count(*) FROM t')).rows[0]?.[0]).toBe(2)
  await copy.close()
})

test('a file is closed while another process has it open', async () => {
  const file = newFile()
  const other = await openSqlDatabase(file, STEPS)
  const reading = await other.client.transaction('read')
  await reading.execute('SELECT * FROM t')
  const database = await openSqlDatabase(file, STEPS)
  await database.write(() => database.client.execute('INSERT INTO t VALUES (3, 4)'))
  await database.close()
  reading.close()
  expect((await other.client.execute('SELECT count(*) FROM t')).rows[0]?.[0]).toBe(2)
  await other.close()
})

test('a file of a newer program is refused', async () => {
  const file = newFile()
  await (await openSqlDatabase(file, STEPS)).close()
  expect(await codeOf(openSqlDatabase(file, STEPS.slice(0, 1)))).toBe('DATA_VERSION')
})

test('a failing step leaves the version before it', async () => {
  const file = newFile()
  const bad = [STEPS[0] ?? '', 'CREATE TABLE u (v INTEGER); CREATE TABLE t (v INTEGER)']
  expect(await codeOf(openSqlDatabase(file, bad))).toBe('FILE_UNREADABLE')
  const database = await openSqlDatabase(file, STEPS)
  expect((await database.client.execute('PRAGMA user_version')).rows[0]?.[0]).toBe(2)
  await database.close()
})

test('what cannot be opened says so', async () => {
  expect(await codeOf(openSqlDatabase('/proc/none/x.db', []))).toBe('FILE_UNREADABLE')
})

test('parallel transactions all commit, and the loop keeps turning', async () => {
  const database = await openSqlDatabase(newFile(), STEPS)
  const insert = async () => {
    const transaction = await database.client.transaction('write')
    await transaction.execute('INSERT INTO t VALUES (7, 7)')
    await Bun.sleep(1)
    await transaction.commit()
  }
  await Promise.all(Array.from({ length: 30 }, () => database.write(insert)))
  expect((await database.client.execute('SELECT count(*) FROM t WHERE v = 7')).rows[0]?.[0]).toBe(
    30,
  )
  await database.close()
})

/** Another process that holds the file for a while; resolves once it does. */
async function heldByAnother(file: string) {
  const code = `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]);
    d.run('BEGIN IMMEDIATE'); console.log('held'); setTimeout(() => d.run('COMMIT'), 400)`
  const other = Bun.spawn([process.execPath, '-e', code, file], { stdout: 'pipe' })
  await other.stdout.getReader().read()
  return other
}

test('a statement that met a lock keeps no later write from being done', async () => {
  const file = newFile()
  const database = await openSqlDatabase(file, STEPS)
  const other = await heldByAnother(file)
  await database.client.execute('INSERT INTO t VALUES (8, 8)').catch(() => undefined)
  expect(await other.exited).toBe(0)
  let attempts = 0
  await database.write(async () => {
    attempts++
    const transaction = await database.client.transaction('write')
    await transaction.execute('INSERT INTO t VALUES (9, 9)')
    await transaction.commit()
  })
  expect(attempts).toBeLessThanOrEqual(2)
  const { rows } = await database.client.execute('SELECT count(*) FROM t WHERE v = 9')
  expect(rows[0]?.[0]).toBe(1)
  await database.close()
})

test('a write waits for another process without losing itself', async () => {
  const file = newFile()
  const database = await openSqlDatabase(file, STEPS)
  const other = await heldByAnother(file)
  await database.write(async () => {
    const transaction = await database.client.transaction('write')
    await transaction.execute('INSERT INTO t VALUES (9, 9)')
    await transaction.commit()
  })
  expect(await other.exited).toBe(0)
  // What an attempt left behind in the library ends when it is collected, and must not take the write with it.
  Bun.gc(true)
  expect((await database.client.execute('SELECT count(*) FROM t WHERE v = 9')).rows[0]?.[0]).toBe(1)
  await database.close()
})
