import { describe, expect, test } from 'bun:test'

import type { ByteString } from '../../src/core/base/byte-string.ts'
import type { Attributes } from '../../src/core/change/attributes.ts'
import type { ContentHash, FileState } from '../../src/core/change/entry.ts'
import type { JournalState, JournalStore } from '../../src/core/change/journal-store.ts'
import type { JournalRow } from '../../src/core/change/row.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'
import { accessList } from '../fakes/access-lists.ts'

const path = (text: string) => text as RelPath
const STATE: JournalState = {
  epoch: 'e1',
  headSeq: 0,
  reservedSeq: 0,
  isClean: false,
  root: null,
  view: '{}',
  viewRevision: 3,
  fileCount: 0,
  totalBytes: 0,
  completeAtMs: null,
  releasedSeq: 0,
}
const FILE: FileState = {
  type: 'file',
  size: 5_000_000_000,
  mode: 0o4755,
  uid: 4_294_967_294,
  gid: 7,
  mtimeNs: 1_763_900_000_123_456_789n,
  ctimeNs: -1n,
  birthNs: 12n,
  device: 0xffff_ffff_ffff_fff0n,
  inode: 0xffff_ffff_ffff_ffffn,
  linkCount: 2,
  linkTarget: null,
}
const ATTRIBUTES: Attributes = {
  xattrs: [
    { name: 'user.a' as ByteString, value: '' as ByteString },
    { name: 'user.\xff' as ByteString, value: '\0\xff' as ByteString },
  ],
  acls: { access: accessList('u::rwx', 'u:5:r--', 'g::---', 'm::r--', 'o::---'), inherited: null },
}
function row(at: string, seq: number, change: Partial<JournalRow> = {}): JournalRow {
  const base = { path: path(at), seq, operation: 'create', from: null, state: FILE } as const
  return { ...base, hash: null, hashTrust: 'unknown', isRacy: false, changedAtMs: 9, ...change }
}
const gone = { state: null, operation: 'delete' } as const

/** What every `JournalStore` keeps; `make` gives an empty one for a source, beside others in the same place. */
export function journalStoreSuite(name: string, make: () => JournalStore): void {
  const filled = (...rows: JournalRow[]) => {
    const store = make()
    store.durably(() => {
      store.putState(STATE)
      for (const one of rows) store.put(one)
    })
    return store
  }
  const paths = (rows: readonly JournalRow[]) => rows.map((one) => one.path as string)

  describe(name, () => {
    test('starts without a state and keeps the one it is given', () => {
      const store = make()
      expect(store.state()).toBeNull()
      const root = { inode: 2n ** 64n - 1n, birthNs: 5n, isMountPoint: true }
      const state = { ...STATE, root, completeAtMs: 12, isClean: true, headSeq: 2 ** 52 }
      store.durably(() => store.putState(STATE))
      store.durably(() => store.putState(state))
      expect(store.state()).toEqual(state)
    })

    test('counts what was lost, but not what is withheld', () => {
      const store = filled(
        row('a', 1, { ...gone, lossBytes: 5, changedAtMs: 10 }),
        row('b', 2, { operation: 'update', lossBytes: 0, changedAtMs: 20 }),
        row('c', 3, { ...gone, changedAtMs: 20 }),
        row('d', 4, { ...gone, operation: 'held', lossBytes: 9, changedAtMs: 20 }),
        row('e', 5, { ...gone, operation: 'kept', lossBytes: 9, changedAtMs: 20 }),
      )
      expect([9, 10, 19, 20].map((atMs) => store.lossesSince(atMs))).toEqual([2, 1, 1, 0])
      expect(store.get(path('a'))?.lossBytes).toBe(5)
      expect(store.get(path('c'))).not.toHaveProperty('lossBytes')
    })

    test('sums up what is held, gives it deepest first, and keeps it where it is told to', () => {
      const held = { ...gone, operation: 'held' } as const
      const store = filled(
        row('d', 1, { ...held, changedAtMs: 30 }),
        row('d/a', 2, { ...held, lossBytes: 4, changedAtMs: 20 }),
        row('d/b', 3, { operation: 'held', lossBytes: 3, changedAtMs: 40 }),
        row('d/c', 4, { ...gone, lossBytes: 100 }),
        row('e', 5, { ...held, lossBytes: 1, changedAtMs: 50 }),
      )
      const all = {
        deletes: 2,
        updates: 1,
        bytes: 8,
        rowCount: 4,
        firstSeq: 1,
        lastSeq: 5,
        sinceMs: 20,
      }
      expect(store.heldAbove(0)).toEqual(all)
      const last = {
        deletes: 1,
        updates: 0,
        bytes: 1,
        rowCount: 1,
        firstSeq: 5,
        lastSeq: 5,
        sinceMs: 50,
      }
      expect(store.heldAbove(3)).toEqual(last)
      expect(store.heldAbove(5)).toBeNull()
      const range = { after: 0, upTo: 3, limit: 2 }
      expect(paths(store.held(range))).toEqual(['d/b', 'd/a'])
      expect(paths(store.held({ ...range, limit: 9 }))).toEqual(['d/b', 'd/a', 'd'])
      const below = () => ['', 'd', 'd/a', 'e'].map((at) => store.withheldBelow(path(at)))
      expect(below()).toEqual(['held', 'held', null, null])
      store.durably(() => store.keepHeld(2))
      expect(store.heldAbove(0)).toMatchObject({ rowCount: 2, lastSeq: 2 })
      expect(store.get(path('e'))?.operation).toBe('kept')
      store.durably(() => store.keepHeld(0))
      expect(below()).toEqual(['kept', 'kept', null, null])
      const live = { after: 0, upTo: 9, limit: 9, liveOnly: true }
      expect(paths(store.changes(live))).toEqual(['d', 'd/a', 'd/b', 'e'])
      store.durably(() => store.drop('tombstones'))
      expect(paths(store.changes({ ...live, liveOnly: false }))).toEqual(['d', 'd/a', 'd/b', 'e'])
    })

    test('keeps a hash only for the row that it was found for', () => {
      const store = filled(row('a', 1), row('gone', 2, gone))
      const hash = 'cd'.repeat(32) as ContentHash
      const finding = { path: path('a'), seq: 1, hash, fingerprint: FILE }
      const keep = (change: object) =>
        store.atomically(() => store.keepHash({ ...finding, ...change }))
      keep({ seq: 2 })
      keep({ path: path('b') })
      keep({ path: path('gone'), seq: 2 })
      const others = { size: 1, mtimeNs: 1n, ctimeNs: 1n, inode: 1n, type: 'fifo' }
      for (const [field, value] of Object.entries(others))
        keep({ fingerprint: { ...FILE, [field]: value } })
      expect(store.get(path('a'))).toEqual(row('a', 1))
      expect(store.get(path('gone'))).toEqual(row('gone', 2, gone))
      keep({})
      expect(store.get(path('a'))).toEqual(row('a', 1, { hash, hashTrust: 'trusted' }))
    })

    test('keeps every field of a row', () => {
      const rows = [
        row('file', 1, { hash: 'ab'.repeat(32) as ContentHash, hashTrust: 'doubtful' }),
        row('link', 2, {
          state: { ...FILE, type: 'symlink', linkTarget: '../\xff' as ByteString },
          from: path('old\xfe/name'),
          operation: 'move',
        }),
        row('racy', 3, { isRacy: true, state: { ...FILE, type: 'fifo' } }),
        row('', 4, { state: { ...FILE, type: 'directory' } }),
        row('gone', 5, gone),
        row('attributes', 6, { state: { ...FILE, attributes: ATTRIBUTES } }),
        row('no attributes', 7, {
          state: { ...FILE, attributes: { xattrs: 'XATTRS_TOO_LARGE', acls: null } },
        }),
      ]
      const store = filled(...rows)
      for (const one of rows) expect(store.get(one.path)).toEqual(one)
      expect(store.get(path('other'))).toBeNull()
    })

    test.each(['\x01\x02', 'a\nb "c"', '\xff\xff\xff', 'x'.repeat(255), `${'d/'.repeat(400)}e`])(
      'a path of any bytes: %j',
      (at) => {
        const store = filled(row(at, 1))
        expect(store.get(path(at))).toEqual(row(at, 1))
        expect(paths(store.liveBelow(below('')))).toEqual([at])
      },
    )

    const below = (folder: string, beyond: string | null = null) =>
      ({
        folder: path(folder),
        beyond: beyond === null ? null : path(beyond),
        limit: 100,
        direction: 'parentsFirst',
      }) as const
    const TREE = ['a', 'a/b', 'a/b/c', 'a/z', 'a-b', 'a.', 'a0', 'ab/x', '\xff\xff']

    test('gives what lies below a folder in tree order, and backwards', () => {
      const store = filled(...TREE.toReversed().map((at, index) => row(at, index + 1)))
      expect(paths(store.liveBelow(below('')))).toEqual(TREE)
      expect(paths(store.liveBelow(below('a')))).toEqual(['a/b', 'a/b/c', 'a/z'])
      expect(paths(store.liveBelow(below('a/b/c')))).toEqual([])
      const back = { ...below('a'), direction: 'deepestFirst' } as const
      expect(paths(store.liveBelow(back))).toEqual(['a/z', 'a/b/c', 'a/b'])
      expect(paths(store.liveBelow({ ...back, beyond: path('a/z'), limit: 1 }))).toEqual(['a/b/c'])
    })

    test('gives it in pages', () => {
      const store = filled(...TREE.map((at, index) => row(at, index + 1)))
      const seen: string[] = []
      for (let last: string | null = null; ; last = seen.at(-1) ?? null) {
        const page = store.liveBelow({ ...below('', last), limit: 2 })
        if (page.length === 0) break
        seen.push(...paths(page))
      }
      expect(seen).toEqual(TREE)
    })

    test('leaves tombstones and the root itself out of what lies below', () => {
      const store = filled(row('', 1), row('a', 2), row('b', 3, gone))
      expect(paths(store.liveBelow(below('')))).toEqual(['a'])
    })

    test('finds live rows by inode', () => {
      const other = { ...FILE, inode: 7n }
      const store = filled(
        row('a', 1),
        row('b', 2),
        row('c', 3, { state: other }),
        row('d', 4, gone),
      )
      expect(paths(store.liveByInode(FILE.inode, 9))).toEqual(['a', 'b'])
      expect(paths(store.liveByInode(FILE.inode, 1))).toEqual(['a'])
      expect(paths(store.liveByInode(7n, 9))).toEqual(['c'])
      expect(paths(store.liveByInode(0n, 9))).toEqual([])
    })

    test('gives changes in order of seq, within bounds', () => {
      const store = filled(row('a', 5), row('b', 2), row('c', 9, gone), row('d', 7))
      const range = { after: 2, upTo: 9, limit: 10, liveOnly: false }
      expect(paths(store.changes(range))).toEqual(['a', 'd', 'c'])
      expect(paths(store.changes({ ...range, liveOnly: true }))).toEqual(['a', 'd'])
      expect(paths(store.changes({ ...range, limit: 1 }))).toEqual(['a'])
      expect(paths(store.changes({ ...range, upTo: 7 }))).toEqual(['a', 'd'])
    })

    test('a row is replaced by the next of its path', () => {
      const store = filled(row('a', 1), row('b', 2))
      store.atomically(() => store.put(row('a', 3, gone)))
      const all = { after: 0, upTo: 10, limit: 10, liveOnly: false }
      expect(store.changes(all)).toEqual([row('b', 2), row('a', 3, gone)])
    })

    test('drops tombstones, or everything', () => {
      const store = filled(row('a', 1), row('b', 2, gone))
      store.durably(() => store.drop('tombstones'))
      expect([store.get(path('a')), store.get(path('b'))]).toEqual([row('a', 1), null])
      store.durably(() => store.drop('everything'))
      expect(store.get(path('a'))).toBeNull()
      expect(store.state()).toEqual(STATE)
    })

    test.each(['durably', 'atomically'] as const)('%s: all or nothing', (kind) => {
      const store = filled(row('a', 1))
      const work = () => {
        store.put(row('a', 2, gone))
        store.put(row('b', 3))
        store.putState({ ...STATE, epoch: 'e2' })
        throw new Error('stop')
      }
      expect(() => store[kind](work)).toThrow('stop')
      expect([store.get(path('a')), store.get(path('b'))]).toEqual([row('a', 1), null])
      expect(store.state()).toEqual(STATE)
      expect(store[kind](() => 12)).toBe(12)
    })
  })
}
