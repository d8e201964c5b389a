import { beforeEach, describe, expect, test } from 'bun:test'

import type { OtherChange } from '../../src/core/apply/conflicts.ts'
import type {
  IndexBatch,
  IndexRow,
  IndexStore,
  StoredPending,
} from '../../src/core/apply/index-store.ts'
import type { Note, NotedPath } from '../../src/core/apply/notes.ts'
import type { ByteString } from '../../src/core/base/byte-string.ts'
import type { ContentHash, FileKey } from '../../src/core/change/entry.ts'
import { ROOT, type RelPath } from '../../src/core/path/rel-path.ts'
import { accessList } from '../fakes/access-lists.ts'

export const NOTHING: IndexBatch = {
  puts: [],
  removes: [],
  pendingPuts: [],
  pendingRemoves: [],
  watermark: null,
  list: 1,
  listed: null,
  claims: null,
  renoted: [],
  notes: [],
  shared: [],
  absences: [],
  others: [],
}

const ONE = '1'.repeat(64) as ContentHash
/** An inode number that the file keeps as a negative one. */
const HIGH = 0xffff_ffff_ffff_fff0n
const TWO = 'a'.repeat(64) as ContentHash

/** A row of a file, with every number as large as it may be. */
export function row(
  path: string,
  change: Partial<IndexRow> & { hash?: ContentHash } = {},
): IndexRow {
  const { hash = ONE, ...rest } = change
  return {
    path: path as RelPath,
    epoch: 'epoch-1',
    seq: Number.MAX_SAFE_INTEGER,
    list: 1,
    state: {
      type: 'file',
      size: 2 ** 50,
      mode: 0o7777,
      uid: 0xffff_ffff,
      gid: 0xffff_ffff,
      mtimeNs: -4_000_000_000_123_456_789n,
      linkTarget: null,
      hash,
    },
    stat: {
      type: 'file',
      size: 2 ** 50,
      mtimeNs: 4_000_000_000_123_456_789n,
      ctimeNs: 1n,
      inode: 0xffff_ffff_ffff_ffffn,
      device: 0x8000_0000_0000_0000n,
    },
    ...rest,
  }
}

/** A folder with everything that can be attached to it. */
function attributed(path: string): IndexRow {
  const base = row(path)
  const xattrs = [{ name: 'user.a' as ByteString, value: '\0\xff' as ByteString }]
  const list = accessList('u::rwx', 'g::---', 'o::---')
  const acls = { access: list, inherited: list }
  const stat = { ...base.stat, type: 'directory' } as const
  const state = { ...base.state, type: 'directory', size: 0, hash: null } as const
  return { ...base, stat, state: { ...state, attributes: { xattrs, acls } } }
}

const ONE_FILE = '1.2' as FileKey

/** A path that names a file of which others may be. */
function named(path: string, inode: bigint, fileKey = ONE_FILE): IndexRow {
  const base = row(path)
  return { ...base, state: { ...base.state, fileKey }, stat: { ...base.stat, inode } }
}

function link(path: string, linkTarget: string): IndexRow {
  const base = row(path)
  const state = {
    ...base.state,
    type: 'symlink',
    linkTarget: linkTarget as ByteString,
    hash: null,
  } as const
  return { ...base, state, stat: { ...base.stat, type: 'symlink' } }
}

function pending(path: string, seq: number, change: Partial<StoredPending> = {}): StoredPending {
  const rest = {
    code: 'NO_SPACE',
    message: 'full',
    isDeletion: false,
    list: 1,
    held: null,
  } as const
  return { path: path as RelPath, seq, ...rest, ...change }
}

const paths = (rows: readonly IndexRow[]) => rows.map(({ path }) => path as string)

/** What every `IndexStore` does; `reopen` closes it and opens it again. */
export function indexSuite(
  name: string,
  make: () => IndexStore,
  reopen = (one: IndexStore) => one,
) {
  describe(name, () => {
    let index: IndexStore
    const commit = (change: Partial<IndexBatch>) => index.commit({ ...NOTHING, ...change })
    const put = (...puts: IndexRow[]) => commit({ puts })
    beforeEach(() => {
      index = make()
    })

    test('a new one is empty', () => {
      expect(index.watermark()).toBeNull()
      expect(index.list()).toBe(0)
      expect(index.pending()).toEqual([])
      expect(index.claims().size).toBe(0)
      expect(index.get(ROOT)).toBeNull()
      expect(index.below(ROOT, 10)).toEqual([])
    })

    test('counts what paths lack, and names those applied last', () => {
      const notes = (...list: readonly NotedPath[]) =>
        index.commit({ ...NOTHING, notes: list, renoted: list.map(({ path }) => path) })
      const noted = (seq: number, path: string, code: Note) => ({
        seq,
        path: path as RelPath,
        code,
      })
      expect(index.notes()).toEqual({ counts: [], newest: [] })
      notes(noted(1, 'a', 'OWNER_REFUSED'), noted(1, 'a', 'ACLS_REFUSED'))
      notes(noted(9, 'b\xff', 'OWNER_REFUSED'))
      const all = {
        counts: [
          { code: 'ACLS_REFUSED', count: 1 },
          { code: 'OWNER_REFUSED', count: 2 },
        ],
        newest: [expect.objectContaining(noted(9, 'b\xff', 'OWNER_REFUSED'))],
      } as const
      expect(index.notes()).toMatchObject({
        ...all,
        newest: [...all.newest, { code: 'OWNER_REFUSED' }, { code: 'ACLS_REFUSED' }],
      })
      expect(reopen(index).notes()).toEqual(index.notes())
      index.commit({ ...NOTHING, renoted: ['a' as RelPath, 'never noted' as RelPath] })
      expect(index.notes().counts).toEqual([{ code: 'OWNER_REFUSED', count: 1 }])
      index.commit({ ...NOTHING, renoted: ['b\xff' as RelPath] })
      expect(index.notes()).toEqual({ counts: [], newest: [] })
    })

    test('names a hundred paths, and counts the rest', () => {
      const notes = Array.from({ length: 250 }, (_, seq) => ({
        seq,
        path: `${seq}` as RelPath,
        code: 'OWNER_REFUSED' as const,
      }))
      index.commit({ ...NOTHING, notes })
      expect(index.notes().counts).toEqual([{ code: 'OWNER_REFUSED', count: 250 }])
      expect(index.notes().newest.map(({ seq }) => seq)).toEqual(
        Array.from({ length: 100 }, (_, index_) => 249 - index_),
      )
    })

    test.each([
      ['a file', row('a/b')],
      ['a link to bytes that are no text', link('l', '\xff/\x01')],
      ['a name that is no text', row('\xff\n\x80')],
      ['the root', row('')],
      ['a folder with attributes', attributed('d')],
    ])('%s comes back as it was, also after a restart', (_name, one) => {
      put(one)
      expect(index.get(one.path)).toEqual(one)
      expect(reopen(index).get(one.path)).toEqual(one)
    })

    test('a row replaces the one before, removing takes it, and putting in the same batch wins', () => {
      put(row('a'), row('b'))
      put(row('a', { hash: TWO, epoch: 'epoch-2', seq: 1 }))
      expect(index.get('a' as RelPath)).toMatchObject({
        epoch: 'epoch-2',
        seq: 1,
        state: { hash: TWO },
      })
      commit({ removes: ['b' as RelPath, 'none' as RelPath] })
      expect(paths(index.below(ROOT, 10))).toEqual(['a'])
    })

    test('many reads go as one, which gives what they gave, or throws what they threw', () => {
      put(row('a'), row('b'))
      const both = () => [index.get('a' as RelPath), index.get('none' as RelPath)]
      expect(index.reading(both)).toEqual([row('a'), null])
      const fault = () => {
        throw new Error('a fault')
      }
      expect(() => index.reading(fault)).toThrow('a fault')
      put(row('c'))
      expect(paths(index.below(ROOT, 10))).toEqual(['a', 'b', 'c'])
    })

    test('content is found by its hash', () => {
      put(row('b'), row('a'), row('c', { hash: TWO }), link('l', 'x'))
      expect(paths(index.findByHash(ONE, 10))).toEqual(['a', 'b'])
      expect(paths(index.findByHash(ONE, 1))).toEqual(['a'])
      expect(index.findByHash('0'.repeat(64) as ContentHash, 10)).toEqual([])
    })

    test('names of one file are found, of those on one inode as well', () => {
      const other = '1.3' as FileKey
      const newer = named('f', 7n)
      const two = { ...newer, state: { ...newer.state, hash: TWO } }
      put(named('c', 7n), named('a', 7n), named('b', HIGH), named('d', 7n, other), row('e'), two)
      index = reopen(index)
      expect(index.get('b' as RelPath)).toEqual(named('b', HIGH))
      expect(paths(index.namesOf(ONE_FILE, ONE, 9)).toSorted()).toEqual(['a', 'b', 'c'])
      expect(index.namesOf(ONE_FILE, ONE, 2)).toHaveLength(2)
      expect(paths(index.namesOf(ONE_FILE, TWO, 9))).toEqual(['f'])
      expect(paths(index.namesOn(7n, ONE_FILE, 9))).toEqual(['a', 'c', 'f'])
      expect(index.namesOn(7n, ONE_FILE, 2)).toHaveLength(2)
      expect(paths(index.namesOn(HIGH, ONE_FILE, 9))).toEqual(['b'])
      expect(paths(index.namesOf(other, ONE, 9))).toEqual(['d'])
      expect(index.namesOf('1.4' as FileKey, ONE, 9)).toEqual([])
    })

    test('what happened to one name is known of all of that inode, by every reading', () => {
      put(named('a', HIGH), named('b', HIGH), named('c', 7n), row('plain'))
      commit({ shared: [{ inode: HIGH, fileKey: ONE_FILE, ctimeNs: 5n }] })
      commit({
        shared: [{ inode: HIGH, fileKey: ONE_FILE, ctimeNs: 6n }],
        removes: ['b' as RelPath],
      })
      index = reopen(index)
      const a = { ...named('a', HIGH), sharedCtimeNs: 6n }
      expect(index.get('a' as RelPath)).toEqual(a)
      expect(index.fileOn(HIGH)).toBe(ONE_FILE)
      expect(index.fileOn(7n)).toBeNull()
      for (const rows of [index.findByHash(ONE, 9), index.below(ROOT, 9), index.olderThan(2, 9)])
        expect(rows).toEqual([a, named('c', 7n), row('plain')])
      expect(index.namesOn(HIGH, ONE_FILE, 9)).toEqual([a])
      commit({ removes: ['a' as RelPath] })
      expect(index.fileOn(HIGH)).toBeNull()
    })

    test('a folder holds what lies below it, and nothing that only begins with its name', () => {
      put(...['', 'd', 'd/a', 'd/b/c', 'd-x', 'd.', 'd0', 'e/d/a', '\xff'].map((one) => row(one)))
      expect(paths(index.below('d' as RelPath, 10))).toEqual(['d/a', 'd/b/c'])
      expect(paths(index.below('d/a' as RelPath, 10))).toEqual([])
      expect(paths(index.below(ROOT, 10))).toEqual([
        'd',
        'd-x',
        'd.',
        'd/a',
        'd/b/c',
        'd0',
        'e/d/a',
        '\xff',
      ])
    })

    test('pages follow on each other', () => {
      put(...['a', 'a/1', 'a/2', 'a/3', 'b'].map((one) => row(one)))
      const first = index.below('a' as RelPath, 2)
      expect(paths(first)).toEqual(['a/1', 'a/2'])
      expect(paths(index.below('a' as RelPath, 2, first.at(-1)?.path))).toEqual(['a/3'])
      expect(paths(index.below(ROOT, 2, 'a/3' as RelPath))).toEqual(['b'])
    })

    test('rows of older lists are told, the root too', () => {
      put(row(''), row('a', { list: 2 }), row('b'), row('c', { list: 3 }))
      expect(paths(index.olderThan(2, 10))).toEqual(['', 'b'])
      expect(paths(index.olderThan(3, 2))).toEqual(['', 'a'])
      expect(paths(index.olderThan(3, 2, 'a' as RelPath))).toEqual(['b'])
    })

    test('watermark and list move together with the rows, and stay where nothing is said', () => {
      const listed = { epoch: 'e', seq: 3 }
      commit({ puts: [row('a')], watermark: { epoch: 'e', seq: 7 }, list: 4, listed })
      expect(reopen(index).listed()).toEqual(listed)
      commit({ list: 4 })
      expect(index.watermark()).toEqual({ epoch: 'e', seq: 7 })
      const again = reopen(index)
      expect(again.watermark()).toEqual({ epoch: 'e', seq: 7 })
      expect([again.list(), again.listed()]).toEqual([4, null])
    })

    test('pending is in order of seq, one a path, and survives a restart', () => {
      commit({
        pendingPuts: [pending('b', 9), pending('a', 9), pending('c', 3, { isDeletion: true })],
      })
      commit({ pendingPuts: [pending('b', 1, { code: 'NAME_TOO_LONG', list: 2 })] })
      const expected = [
        pending('b', 1, { code: 'NAME_TOO_LONG', list: 2 }),
        pending('c', 3, { isDeletion: true }),
        pending('a', 9),
      ]
      expect(index.pending()).toEqual(expected)
      const again = reopen(index)
      expect(again.pending()).toEqual(expected)
      again.commit({ ...NOTHING, pendingRemoves: ['b', 'a', 'none'] as RelPath[] })
      expect(again.pending()).toEqual([pending('c', 3, { isDeletion: true })])
    })

    test('what is held of it survives a restart as it was, with the word of a person', () => {
      const disk = {
        type: 'file',
        size: 2 ** 50,
        mtimeNs: -4_000_000_000_123_456_789n,
        ctimeNs: 1n,
        inode: 0xffff_ffff_ffff_ffffn,
        device: 0x8000_0000_0000_0000n,
      } as const
      const held = [
        pending('a', 0, { held: { disk, sinceMs: 2 ** 50, answer: null } }),
        pending('b', 0, { held: { disk, sinceMs: 0, answer: 'release' } }),
        pending('c', 0, { held: { disk: null, sinceMs: 1, answer: 'keep' } }),
      ]
      commit({ pendingPuts: held })
      expect(reopen(index).pending()).toEqual(held)
    })

    test('claims add up until a batch says what remains', () => {
      index.claim(['a', 'b\n', '\xff'] as RelPath[])
      index.claim(['', 'c'] as RelPath[])
      expect([...index.claims()].toSorted() as string[]).toEqual(['', 'a', 'b\n', 'c', '\xff'])
      commit({})
      const again = reopen(index)
      expect(again.claims().size).toBe(5)
      again.commit({ ...NOTHING, claims: ['c'] as RelPath[] })
      expect([...reopen(again).claims()] as string[]).toEqual(['c'])
    })
  })
}

/** What every index must do with what a set means for another binding in the same file. */
export function indexOthersSuite(name: string, both: () => { one: IndexStore; other: IndexStore }) {
  const told = (...others: OtherChange[]): IndexBatch => ({ ...NOTHING, others })
  const pending = (seq: number): StoredPending => ({
    path: 'a' as RelPath,
    seq,
    code: 'CONFLICT',
    message: 'it comes again',
    isDeletion: false,
    list: 1,
    held: null,
  })
  const lost = { path: 'a' as RelPath, seq: 1, code: 'CONFLICT' } as const
  const lacks = { path: 'a' as RelPath, seq: 1, code: 'OWNER_REFUSED' } as const

  describe(`${name}: what a set means for another binding`, () => {
    test('what is to come again is pending, and counts as older than any', () => {
      const { one, other } = both()
      const known = row('a')
      other.commit({ ...NOTHING, puts: [known] })
      one.commit(told({ kind: 'resend', bindingId: 'other', pending: pending(known.seq) }))
      expect(other.pending()).toEqual([pending(known.seq)])
      expect(other.get(known.path)).toEqual({ ...known, seq: 0 })
      expect(one.pending()).toEqual([])
    })

    test('a newer version that waits already is what comes', () => {
      const { one, other } = both()
      const known = row('a')
      const newer = pending(known.seq + 1)
      other.commit({ ...NOTHING, puts: [known], pendingPuts: [newer] })
      one.commit(told({ kind: 'resend', bindingId: 'other', pending: pending(known.seq) }))
      expect(other.pending()).toEqual([newer])
      expect(other.get(known.path)).toEqual({ ...known, seq: 0 })
    })

    test('a version that is newer by now stays as it is', () => {
      const { one, other } = both()
      const known = row('a')
      other.commit({ ...NOTHING, puts: [known] })
      one.commit(told({ kind: 'resend', bindingId: 'other', pending: pending(known.seq + 1) }))
      expect([other.pending(), other.get(known.path)]).toEqual([[], known])
    })

    test('a conflict is noted once, and ends without what else is noted', () => {
      const { one, other } = both()
      other.commit({ ...NOTHING, puts: [row('a')], notes: [lacks] })
      for (let times = 0; times < 2; times++)
        one.commit(told({ kind: 'lost', bindingId: 'other', noted: lost }))
      expect([other.conflicts(), one.conflicts()]).toEqual([['a' as RelPath], []])
      expect(other.notes().counts).toEqual([
        { code: 'CONFLICT', count: 1 },
        { code: 'OWNER_REFUSED', count: 1 },
      ])
      one.commit(told({ kind: 'settled', bindingId: 'other', path: 'a' as RelPath }))
      expect(other.conflicts()).toEqual([])
      expect(other.notes().counts).toEqual([{ code: 'OWNER_REFUSED', count: 1 }])
    })
  })
}
