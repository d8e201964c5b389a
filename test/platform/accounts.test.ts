import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { fromBytes, fromText } from '../../src/core/base/byte-string.ts'
import { hostAccounts } from '../../src/platform/accounts.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cd-accounts-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content)

test('names and numbers are those of the files, the first line of each counting', () => {
  write(
    'passwd',
    'root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\nwww:x:33:33::/:\nwww:x:34:34::/:\n',
  )
  write('group', 'root:x:0:\nstaff:x:50:a,b\n+\n\n:x:7:\nbroken:x:many:\n')
  const accounts = hostAccounts(folder)()
  const users = ['root', 'toor', 'www', 'none'].map((name) => accounts.uidOf(fromText(name)))
  expect(users).toEqual([0, 0, 33, null])
  expect([0, 33, 34, 7].map((id) => accounts.userOf(id))).toEqual([
    ...['root', 'www', 'www'].map(fromText),
    null,
  ])
  expect(accounts.gidOf(fromText('staff'))).toBe(50)
  expect([0, 50, 7].map((id) => accounts.groupOf(id))).toEqual([
    fromText('root'),
    fromText('staff'),
    null,
  ])
})

test('a name is bytes', () => {
  const name = Buffer.from([0xff, 0x66])
  write('passwd', Buffer.concat([name, Buffer.from(':x:5:5::/:\n')]))
  expect(hostAccounts(folder)().uidOf(fromBytes(name))).toBe(5)
})

test('files that change are read again, and such as are not there name nobody', () => {
  const accounts = hostAccounts(folder)
  expect(accounts().uidOf(fromText('www'))).toBeNull()
  write('passwd', 'www:x:33:33::/:\n')
  expect(accounts().uidOf(fromText('www'))).toBe(33)
  write('passwd', 'www:x:1033:33::/:\n')
  expect(accounts().uidOf(fromText('www'))).toBe(1033)
  rmSync(join(folder, 'passwd'))
  expect(accounts().uidOf(fromText('www'))).toBeNull()
})

test('this host knows root', () => {
  const accounts = hostAccounts()()
  expect([accounts.userOf(0), accounts.uidOf(fromText('root'))]).toEqual([fromText('root'), 0])
})
