import { expect, test } from 'bun:test'

import type { ByteString } from '../../../src/core/base/byte-string.ts'
import {
  isAccessList,
  listedAccounts,
  modeWithoutList,
  plainList,
  shownMode,
  withAccounts,
} from '../../../src/core/change/access-list.ts'
import { accessList } from '../../fakes/access-lists.ts'

const LIST = accessList(
  'u::rwx',
  'u:1001:rw-',
  'u:4294967294:r--',
  'g::r-x',
  'g:1001:--x',
  'm::rw-',
  'o::---',
)

test('a list of the kernel is one', () => {
  expect(isAccessList(LIST)).toBe(true)
  expect(isAccessList(plainList(0o640))).toBe(true)
})

test.each([
  ['nothing', ''],
  ['no entry', LIST.slice(0, 4)],
  ['part of an entry', LIST.slice(0, -1)],
  ['another version', `\x03${LIST.slice(1)}`],
  ['a tag that there is not', `${LIST}\x03\x00\x00\x00\x00\x00\x00\x00`],
  ['more than three permissions', `${LIST}\x20\x00\x08\x00\x00\x00\x00\x00`],
])('%s is none', (_what, bytes) => {
  expect(isAccessList(bytes as ByteString)).toBe(false)
})

test('the accounts of a list are named each once, and can be given other numbers', () => {
  expect(listedAccounts((LIST + LIST.slice(4)) as ByteString)).toEqual([
    { kind: 'user', id: 1001 },
    { kind: 'user', id: 4_294_967_294 },
    { kind: 'group', id: 1001 },
  ])
  const numbered = withAccounts(LIST, (kind, id) => (kind === 'user' ? id - 1 : 7))
  expect(numbered).toBe(
    accessList('u::rwx', 'u:1000:rw-', 'u:4294967293:r--', 'g::r-x', 'g:7:--x', 'm::rw-', 'o::---'),
  )
})

test.each([
  [0o640, accessList('u::rw-', 'g::r--', 'o::---')],
  [0o7777, accessList('u::rwx', 'g::rwx', 'o::rwx')],
])('%p as a list', (mode, list) => {
  expect(plainList(mode)).toBe(list)
  expect(shownMode(list)).toBe(mode & 0o777)
})

test.each([
  ['the mask hides what the owning group has', LIST, 0o4760, 0o760, 0o4740],
  [
    'the mask is wider than the owning group',
    accessList('u::rw-', 'u:5:rw-', 'g::---', 'm::rw-', 'o::r--'),
    0o664,
    0o664,
    0o604,
  ],
  ['there is no mask', accessList('u::rwx', 'g::r-x', 'o::---'), 0o750, 0o750, 0o750],
] as const)('the mode where a list cannot be held, and %s', (...[, list, mode, shown, without]) => {
  expect(shownMode(list)).toBe(shown)
  expect(modeWithoutList(mode, list)).toBe(without)
})
