import { describe, expect, test } from 'bun:test'

import type { ByteString } from '../../../src/core/base/byte-string.ts'
import {
  type Attributes,
  areAlike,
  areOfKinds,
  attributeBytes,
  isSentXattr,
} from '../../../src/core/change/attributes.ts'
import { JournalRig } from './journal-rig.ts'

const NONE: Attributes = { xattrs: [], acls: { access: null, inherited: null } }
const color = (value: string): Attributes => ({
  ...NONE,
  xattrs: [{ name: 'user.color' as ByteString, value: value as ByteString }],
})
const listed: Attributes = { xattrs: [], acls: { access: 'x' as ByteString, inherited: null } }

test.each([
  ['user.a', true],
  ['user.', false],
  ['security.capability', true],
  ['security.selinux', false],
  ['trusted.overlay.opaque', false],
  ['system.posix_acl_access', false],
])('%s travels: %p', (name, isSent) => {
  expect(isSentXattr(name as ByteString)).toBe(isSent)
})

test('two are alike where they say the same of the same kinds', () => {
  const all: readonly (Attributes | undefined)[] = [
    undefined,
    NONE,
    color('red'),
    color('blue'),
    listed,
    { xattrs: null, acls: NONE.acls },
    { xattrs: [], acls: null },
    { xattrs: 'XATTRS_TOO_LARGE', acls: null },
    { xattrs: 'XATTRS_UNREADABLE', acls: 'ACLS_UNREADABLE' },
  ]
  for (const [index, one] of all.entries())
    for (const [at, other] of all.entries())
      expect(areAlike(one && structuredClone(one), other)).toBe(index === at)
})

test('kinds are told from what is not null', () => {
  expect(areOfKinds(undefined, null)).toBe(true)
  expect(areOfKinds(NONE, { xattrs: true, acls: true })).toBe(true)
  expect(areOfKinds(NONE, { xattrs: true, acls: false })).toBe(false)
  expect(areOfKinds({ xattrs: null, acls: NONE.acls }, { xattrs: false, acls: true })).toBe(true)
  expect(areOfKinds(NONE, null)).toBe(false)
})

test('their size counts names, values and lists', () => {
  expect(attributeBytes(NONE)).toBe(0)
  expect(attributeBytes(color('red'))).toBeGreaterThanOrEqual('user.colorred'.length)
  expect(attributeBytes(listed)).toBe(1)
})

describe('in the journal', () => {
  const rig = () =>
    new JournalRig((disk) =>
      disk
        .make('a')
        .make('d', 'directory')
        .change('a', { attributes: NONE })
        .change('d', { attributes: NONE }),
    )

  test.each(['a', 'd'])('a change of attributes of %s alone is a change', (path) => {
    const one = rig()
    expect(one.changes(() => one.see('hint', path))).toEqual([])
    one.disk.change(path, { attributes: color('red'), ctimeNs: 7n })
    expect(one.changes(() => one.see('hint', path))).toEqual([`update ${path}`])
    expect(one.changes(() => one.see('hint', path))).toEqual([])
  })

  test('a folder that only its ctime tells apart is no change', () => {
    const one = rig()
    one.disk.change('d', { ctimeNs: 7n })
    expect(one.changes(() => one.see('hint', 'd'))).toEqual([])
  })

  test('a folder that was read right after its ctime is looked at once more', () => {
    const one = rig()
    one.disk.change('d', { ctimeNs: BigInt(one.disk.nowMs) * 1_000_000n })
    expect(one.see('hint', 'd').racy).toEqual(['d'] as never)
    // The second change within one tick of the clock leaves the same ctime.
    one.disk.change('d', { attributes: color('red') })
    one.disk.nowMs += 1000
    expect(one.changes(() => one.see('again', 'd'))).toEqual(['update d'])
    expect(one.see('again', 'd').racy).toEqual([])
  })

  test('without attributes a folder is never racy', () => {
    const one = new JournalRig((disk) => disk.make('d', 'directory'))
    one.disk.change('d', { ctimeNs: BigInt(one.disk.nowMs) * 1_000_000n })
    expect(one.see('hint', 'd').racy).toEqual([])
  })
})
