import { expect, test } from 'bun:test'

import { type ByteString, fromText } from '../../../src/core/base/byte-string.ts'
import { XATTR_BYTES_MAX } from '../../../src/core/base/limits.ts'
import {
  type Attribute,
  type Attributes,
  isSentXattr,
} from '../../../src/core/change/attributes.ts'
import type { ContentHash, Entry, FileKey, SentState } from '../../../src/core/change/entry.ts'
import type { RelPath } from '../../../src/core/path/rel-path.ts'
import { ByteWriter } from '../../../src/core/wire/byte-writer.ts'
import { parseEntries, writeEntry } from '../../../src/core/wire/entry-codec.ts'
import { accessList } from '../../fakes/access-lists.ts'
import { random } from '../../fakes/random.ts'

const file: SentState = {
  type: 'file',
  size: 5,
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  mtimeNs: 1_700_000_000_123_456_789n,
  linkTarget: null,
  hash: 'cd'.repeat(32) as ContentHash,
}
const other = { ...file, size: 0, hash: null }

const entry = (seq: number, path: string, more: Partial<Entry> = {}): Entry => ({
  seq,
  path: path as RelPath,
  operation: 'create',
  state: file,
  from: null,
  ...more,
})

const VALID: readonly Entry[] = [
  entry(1, '', { state: { ...other, type: 'directory' } }),
  entry(2, 'a'),
  entry(9, 'a b/\n/ü\xff', { state: { ...file, hash: null, mtimeNs: -1n } }),
  entry(300, 'link', {
    operation: 'update',
    state: { ...other, type: 'symlink', linkTarget: fromText('../../etc/passwd') },
  }),
  entry(301, 'pipe', { state: { ...other, type: 'fifo', mode: 0o7777 } }),
  entry(302, 'named', { state: { ...file, ownerNames: { user: fromText('jörg'), group: null } } }),
  entry(2 ** 40, 'moved', { operation: 'move', from: 'x/moved' as RelPath }),
  entry(2 ** 40 + 1, 'gone', { operation: 'delete', state: null }),
  entry(2 ** 53 - 1, 'hidden', { operation: 'excluded', state: null }),
]

const WITHHELD: readonly Entry[] = [
  entry(1, 'gone or empty', { operation: 'held', state: null }),
  entry(2, 'stays', { operation: 'kept', state: null }),
]

function encode(entries: readonly Entry[], previousSeq = 0): Uint8Array {
  const writer = new ByteWriter()
  let previous = previousSeq
  for (const each of entries) {
    writeEntry(writer, each, previous)
    previous = each.seq
  }
  return writer.done().slice()
}

test('every kind of entry reads as what was written', () => {
  expect(parseEntries(encode(VALID), 0, VALID.length)).toEqual({ ok: true, value: [...VALID] })
})

test('what targets are to leave alone reads as what was written', () => {
  expect(parseEntries(encode(WITHHELD), 0, 2)).toEqual({ ok: true, value: [...WITHHELD] })
})

test('a second block goes on from the last seq of the first', () => {
  const [first, ...rest] = VALID
  expect(parseEntries(encode(rest, first?.seq), 1, 10)).toEqual({ ok: true, value: rest })
})

test('the encoding is frozen', () => {
  const hash = new Bun.CryptoHasher('sha256').update(encode(VALID)).digest('hex')
  expect(hash).toBe('fa50c55193b3b69ae1d2d6ece95288ec993e5d8ee4ed637cc3f7c4995d191e99')
})

const LIST = accessList('u::rwx', 'u:1001:rw-', 'g::r-x', 'm::rwx', 'o::---')
const plain = { ...other, type: 'directory' } as const
const xattr = (name: string, value = '') => ({ name: fromText(name), value: value as ByteString })
const ATTRIBUTED: readonly Entry[] = [
  entry(1, 'none', { state: { ...file, attributes: { xattrs: [], acls: null } } }),
  entry(2, 'all', {
    state: {
      ...plain,
      ownerNames: {
        user: null,
        group: fromText('staff'),
        listed: [{ kind: 'user', id: 1001, name: fromText('anna') }],
      },
      attributes: {
        xattrs: [xattr('security.capability', '\0\xff'), xattr('user.a'), xattr('user.ü')],
        acls: { access: LIST, inherited: LIST },
      },
    },
  }),
  entry(3, 'lists', {
    state: { ...file, attributes: { xattrs: null, acls: { access: null, inherited: null } } },
  }),
  entry(4, 'trouble', {
    state: { ...file, attributes: { xattrs: 'XATTRS_TOO_LARGE', acls: 'ACLS_UNREADABLE' } },
  }),
  entry(5, 'more', { state: { ...file, attributes: { xattrs: 'XATTRS_UNREADABLE', acls: null } } }),
  entry(6, 'full', {
    state: {
      ...file,
      attributes: { xattrs: [xattr('user.a', 'x'.repeat(XATTR_BYTES_MAX - 6))], acls: null },
    },
  }),
]

test('every kind of attributes reads as what was written', () => {
  expect(parseEntries(encode(ATTRIBUTED), 0, 10)).toEqual({ ok: true, value: [...ATTRIBUTED] })
})

test('the encoding of attributes is frozen', () => {
  const hash = new Bun.CryptoHasher('sha256').update(encode(ATTRIBUTED)).digest('hex')
  expect(hash).toBe('2c88092922ea1b30da6bfc73ebfe24f353947572e9209897eb660eec18c59ae5')
})

const KEY = '2x.dfw5c1k' as FileKey
const KEYED: readonly Entry[] = [
  entry(1, 'alone', { state: { ...file, fileKey: KEY } }),
  entry(2, 'one', { state: { ...file, fileKey: KEY, hasOtherNames: true } }),
  entry(3, 'two', {
    state: {
      ...file,
      hash: null,
      ownerNames: { user: fromText('anna'), group: null },
      attributes: { xattrs: [xattr('user.a', '1')], acls: null },
      fileKey: '3w5e11264sgsf.3w5e11264sgsf' as FileKey,
      hasOtherNames: true,
    },
  }),
]

test('keys of files, with and without other names, read as what was written', () => {
  expect(parseEntries(encode(KEYED), 0, 10)).toEqual({ ok: true, value: [...KEYED] })
})

test('the encoding of keys is frozen', () => {
  const hash = new Bun.CryptoHasher('sha256').update(encode(KEYED)).digest('hex')
  expect(hash).toBe('a1618316862710649b2b1578c02951821a9b11640a82d61908dbb63545fb020e')
})

const keyed = (key: string, more: Partial<SentState> = {}): Entry =>
  entry(1, 'a', { state: { ...file, fileKey: key as FileKey, ...more } })
const attributed = (attributes: Attributes, more: Partial<SentState> = {}): Entry =>
  entry(1, 'a', { state: { ...file, attributes, ...more } })
const xattrs = (...list: readonly Attribute[]): Entry => attributed({ xattrs: list, acls: null })
const acl = (access: string): Entry =>
  attributed({ xattrs: null, acls: { access: access as ByteString, inherited: null } })
const account = { kind: 'user', id: 1, name: fromText('anna') } as const
const owners = { user: null, group: null }

const named = (user: string): Entry =>
  entry(1, 'a', { state: { ...file, ownerNames: { user: fromText(user), group: null } } })

const state = (change: Partial<SentState>): Partial<Entry> => ({ state: { ...file, ...change } })

test.each<[string, Entry]>([
  ['a path above the root', entry(1, '../a')],
  ['a path with a parent within', entry(1, 'a/../../b')],
  ['an absolute path', entry(1, '/etc/passwd')],
  ['a path with a NUL', entry(1, 'a\0b')],
  ['a path that ends in a slash', entry(1, 'a/')],
  ['a name over 255 bytes', entry(1, 'n'.repeat(256))],
  ['a path over 4096 bytes', entry(1, 'n/'.repeat(2100) + 'n')],
  ['the staging folder', entry(1, '.cd-staging')],
  ['a path in the staging folder', entry(1, '.cd-staging/1')],
  ['a hint above the root', entry(1, 'a', { from: '../b' as RelPath })],
  ['a hint into the staging folder', entry(1, 'a', { from: '.cd-staging/1' as RelPath })],
  ['a root that is a file', entry(1, '')],
  ['a root that is deleted', entry(1, '', { operation: 'delete', state: null })],
  ['a deletion with a state', entry(1, 'a', { operation: 'delete' })],
  ['something held with a state', entry(1, 'a', { operation: 'held' })],
  ['a creation without a state', entry(1, 'a', { state: null })],
  [
    'a deletion with a hint',
    entry(1, 'a', { operation: 'delete', state: null, from: 'b' as RelPath }),
  ],
  ['seq 0', entry(0, 'a')],
  ['a mode with more than permissions', entry(1, 'a', state({ mode: 0o100644 }))],
  ['a name of an owner over 255 bytes', named('n'.repeat(256))],
  ['an owner over 32 bits', entry(1, 'a', state({ uid: 2 ** 32 }))],
  ['an attribute of another namespace', xattrs(xattr('trusted.a'))],
  ['an attribute without a name', xattrs(xattr('user.'))],
  ['an attribute with a NUL in its name', xattrs(xattr('user.a\0b'))],
  ['an attribute with a name over 255 bytes', xattrs(xattr(`user.${'n'.repeat(251)}`))],
  ['an attribute twice', xattrs(xattr('user.a'), xattr('user.a'))],
  ['attributes out of order', xattrs(xattr('user.b'), xattr('user.a'))],
  ['more attributes than travel', xattrs(xattr('user.a', 'x'.repeat(XATTR_BYTES_MAX - 5)))],
  ['an access list that is none', acl('\x02\0\0\0')],
  ['an access list that is too long', acl(LIST + LIST.slice(4).repeat(2000))],
  [
    'a file that hands down a list',
    attributed({ xattrs: null, acls: { access: null, inherited: LIST } }),
  ],
  [
    'accounts without lists',
    entry(1, 'a', { state: { ...file, ownerNames: { ...owners, listed: [account] } } }),
  ],
  [
    'an account without a name',
    attributed(
      { xattrs: null, acls: { access: LIST, inherited: null } },
      { ownerNames: { ...owners, listed: [{ ...account, name: '' as ByteString }] } },
    ),
  ],
  [
    'more accounts than travel',
    attributed(
      { xattrs: null, acls: { access: LIST, inherited: null } },
      { ownerNames: { ...owners, listed: Array.from({ length: 1025 }, () => account) } },
    ),
  ],
  ['a key that is none', keyed('2x')],
  ['a key with something before it', keyed(` ${KEY}`)],
  ['a key over its length', keyed(`1.${'0'.repeat(40)}`)],
  ['a key of a folder', keyed(KEY, { ...other, type: 'directory' })],
  ['other names of a file without a key', entry(1, 'a', state({ hasOtherNames: true }))],
  ['a folder with content', entry(1, 'a', state({ type: 'directory', hash: null }))],
  ['a folder with a hash', entry(1, 'a', state({ type: 'directory', size: 0 }))],
  [
    'a link without a target',
    entry(1, 'a', { state: { ...other, type: 'symlink', linkTarget: '' as ByteString } }),
  ],
  [
    'a link to a NUL',
    entry(1, 'a', { state: { ...other, type: 'symlink', linkTarget: 'a\0' as ByteString } }),
  ],
])('%s is refused', (_what, bad) => {
  expect(parseEntries(encode([bad]), 0, 10)).toMatchObject({ error: { code: 'PROTOCOL' } })
})

test('seqs that do not rise, and more entries than were announced, are refused', () => {
  const twice = Buffer.concat([encode([entry(5, 'a')]), encode([entry(5, 'b')], 5)])
  expect(parseEntries(twice, 0, 10)).toMatchObject({ error: { code: 'PROTOCOL' } })
  expect(parseEntries(encode(VALID), 0, VALID.length - 1)).toMatchObject({ ok: false })
  expect(parseEntries(encode([entry(9, 'a')]), 2 ** 53 - 5, 10)).toMatchObject({ ok: false })
})

test.each([
  ['plain entries', VALID],
  ['attributes', ATTRIBUTED.slice(0, -1)],
  ['keys', KEYED],
])('every cut is refused: %s', (_what, entries) => {
  const bytes = encode(entries)
  let whole = 0
  for (let end = 0; end < bytes.length; end++) {
    const parsed = parseEntries(bytes.subarray(0, end), 0, entries.length)
    if (parsed.ok) whole++
  }
  // Only between two entries is a cut not seen; there the count of the set tells.
  expect(whole).toBe(entries.length)
})

/** What would not be safe to use; entries that were parsed have none. */
function unsafe({ path, from, state: parsed }: Entry): unknown[] {
  const { xattrs: found = null } = parsed?.attributes ?? {}
  const names = found === null || typeof found === 'string' ? [] : found.map(({ name }) => name)
  const isBad = (each: string) => /(^|\/)\.\.?(\/|$)|^\/|\0/.test(each)
  return [...names.filter((name) => !isSentXattr(name)), ...[path, from ?? ''].filter(isBad)]
}

test('hostile bytes are a failure or entries that are safe to use', () => {
  const next = random(3)
  const marked = [...ATTRIBUTED.slice(1, 5), ...KEYED].map((one, at) => ({ ...one, seq: 999 + at }))
  const bytes = encode([...VALID.slice(0, 5), ...marked])
  for (let round = 0; round < 20_000; round++) {
    const changed = Buffer.from(bytes)
    for (let change = 1 + next(5); change > 0; change--) changed[next(changed.length)] = next(256)
    const parsed = parseEntries(changed, 0, 100)
    const bad = parsed.ok ? parsed.value.flatMap(unsafe) : parsed.error.code
    if (bad !== 'PROTOCOL') expect(bad).toEqual([])
  }
})
