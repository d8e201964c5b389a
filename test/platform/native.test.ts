import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { libsqlAddon } from '../../src/platform/libsql-addon.ts'
import { watcherAddon } from '../../src/platform/watcher-addon.ts'

test('the watcher addon is the real one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cd-addon-'))
  const { promise, resolve } = Promise.withResolvers<string>()
  const subscription = await watcherAddon().subscribe(folder, (_error, events) => {
    for (const event of events) if (event.path.endsWith('/a')) resolve(event.path)
  })
  writeFileSync(join(folder, 'a'), 'x')
  expect(await promise).toEndWith('/a')
  await subscription.unsubscribe()
  rmSync(folder, { recursive: true })
})

test('the libSQL addon takes its handles as `this`', () => {
  const { databaseOpen, databaseInTransaction, databaseClose } = libsqlAddon
  const database = databaseOpen?.(':memory:', '', 'aes256cbc', '', 0, '')
  expect(databaseInTransaction?.(database)).toBe(false)
  databaseClose?.call(database)
  expect(() => libsqlAddon['databaseFly']?.()).toThrow(
    'the libsql addon has no function databaseFly',
  )
})
