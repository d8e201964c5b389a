import { describe, expect, test } from 'bun:test'

import type { ApplyOptions } from '../../../src/core/apply/options.ts'
import { type ByteString, fromText } from '../../../src/core/base/byte-string.ts'
import { ACCESS_LIST, type Attributes } from '../../../src/core/change/attributes.ts'
import { accessList } from '../../fakes/access-lists.ts'
import { MemoryDisk } from '../../fakes/memory-disk.ts'
import { type BeforeCall, MemoryTree, treeError } from '../../fakes/memory-tree.ts'
import { at } from '../../platform/tree.suite.ts'
import { Target, fifo, file, folder, gone, symlink } from './harness.ts'
import { named } from './link-cases.ts'
import { groupsIn } from './links.suite.ts'

// What a place cannot hold is said once and counted per path; the path is applied all the same.

const LIST = accessList('u::rw-', 'u:1001:rw-', 'g::---', 'm::rw-', 'o::r--')
const FULL: Attributes = {
  xattrs: [{ name: 'user.a' as ByteString, value: '1' as ByteString }],
  acls: { access: LIST, inherited: null },
}
const NONE: Attributes = { xattrs: [], acls: { access: null, inherited: null } }
const full = { attributes: FULL, mode: 0o664 }

function targetOver(
  options: Partial<ApplyOptions> = { xattrs: true, acls: true },
  before: BeforeCall = () => undefined,
): { target: Target; tree: MemoryTree } {
  const tree = new MemoryTree(new MemoryDisk(), before)
  return { target: new Target(options, tree), tree }
}

function counts(target: Target): string[] {
  return target.index.notes().counts.map(({ code, count }) => `${count} ${code}`)
}

function newest(target: Target): string[] {
  return target.index.notes().newest.map(({ seq, path, code }) => `${seq} ${path} ${code}`)
}

describe('a file system without attributes', () => {
  const bare = () => {
    const made = targetOver()
    made.tree.refuseAttribute = () => 'unsupported'
    return made
  }

  test('holds everything else; each path is counted and each kind said once', () => {
    const { target, tree } = bare()
    const { failed, outcome } = target.deliver([
      folder(1, 'd', { attributes: { ...NONE, xattrs: FULL.xattrs } }),
      file(2, 'd/small', 'one', full),
      file(3, 'd/empty', '', full),
      file(4, 'plain', 'two', { attributes: NONE }),
      symlink(5, 'l', 'plain', { attributes: NONE }),
      fifo(6, 'p', { attributes: { ...NONE, acls: FULL.acls }, mode: 0o664 }),
    ])
    expect(failed).toEqual([])
    expect(outcome.appliedCount).toBe(6)
    expect(outcome.position.notes).toEqual(target.index.notes())
    expect(counts(target)).toEqual(['3 ACLS_UNSUPPORTED', '3 XATTRS_UNSUPPORTED'])
    expect(newest(target)[0]).toBe('6 p ACLS_UNSUPPORTED')
    expect(target.notices).toHaveLength(2)
    expect(tree.lstat(at('plain'))?.mode).toBe(0o644)
  })

  test('gives nobody more rights than the list did', () => {
    const { target, tree } = bare()
    target.deliver([file(1, 'a', 'one', full), file(2, 'b', 'two', { attributes: NONE })])
    expect(tree.lstat(at('a'))?.mode).toBe(0o604)
    target.deliver([file(3, 'b', 'two', full)])
    expect(tree.lstat(at('b'))?.mode).toBe(0o604)
    target.deliver([file(4, 'a', 'one', { ...full, mtimeNs: 5n })])
    expect(tree.lstat(at('a'))).toMatchObject({ mode: 0o604, mtimeNs: 5n })
  })

  test('a path is counted as long as its version lacks something', () => {
    const { target, tree } = bare()
    target.deliver([file(1, 'a', 'one', full), file(2, 'b', 'two', full), file(3, 'c', '3', full)])
    expect(counts(target)).toEqual(['3 ACLS_UNSUPPORTED', '3 XATTRS_UNSUPPORTED'])
    target.deliver([file(4, 'a', 'one', { attributes: NONE }), gone(5, 'b')])
    expect(newest(target)).toEqual(['3 c XATTRS_UNSUPPORTED', '3 c ACLS_UNSUPPORTED'])
    tree.refuseAttribute = () => null
    target.deliver([file(6, 'c', '3', { ...full, mtimeNs: 7n })])
    expect(target.index.notes()).toEqual({ counts: [], newest: [] })
  })

  test('what moves is counted under its new name', () => {
    const { target } = bare()
    target.deliver([folder(1, 'd', { attributes: NONE }), file(2, 'd/a', 'one', full)])
    target.deliver([
      folder(3, 'e', { attributes: NONE, from: 'd' }),
      file(4, 'e/a', 'one', { ...full, from: 'd/a' }),
      gone(5, 'd/a'),
      gone(6, 'd'),
    ])
    expect(newest(target)).toEqual(['4 e/a XATTRS_UNSUPPORTED', '4 e/a ACLS_UNSUPPORTED'])
  })

  test('what a list names again without a change stays counted', () => {
    const { target } = bare()
    const entries = [file(1, 'a', 'one', full), file(2, 'b', 'two', { attributes: NONE })]
    target.deliver(entries)
    target.deliver(entries, { kind: 'full' })
    expect(counts(target)).toEqual(['1 ACLS_UNSUPPORTED', '1 XATTRS_UNSUPPORTED'])
  })

  test('what a policy keeps although it is gone stays counted', () => {
    const { target, tree } = targetOver({ xattrs: true, acls: true, deletes: 'keep' })
    tree.refuseAttribute = () => 'unsupported'
    target.deliver([file(1, 'a', 'one', full)])
    target.deliver([gone(2, 'a')])
    expect(target.look()).toEqual(['a one'])
    expect(counts(target)).toEqual(['1 ACLS_UNSUPPORTED', '1 XATTRS_UNSUPPORTED'])
  })
})

test.each([
  ['forbidden', ['1 ACLS_REFUSED', '1 XATTRS_REFUSED']],
  ['noRoom', ['1 ACLS_UNSUPPORTED', '1 XATTRS_TOO_LARGE']],
] as const)('%s attributes are counted as such', (refusal, expected) => {
  const { target, tree } = targetOver()
  tree.refuseAttribute = () => refusal
  target.deliver([file(1, 'a', 'one', full)])
  expect(counts(target)).toEqual([...expected])
})

test('no room for attributes on a full disk is a full disk', () => {
  const { target, tree } = targetOver()
  tree.refuseAttribute = () => 'noRoom'
  target.space = { freeBytes: 0, totalBytes: 1 << 30 }
  expect(target.deliver([file(1, 'a', 'one', full)]).failed).toEqual(['a NO_SPACE'])
  expect(target.index.notes().counts).toEqual([])
  expect(target.look()).toEqual([])
})

test('what the source could not tell is counted', () => {
  const { target } = targetOver()
  const attributes = { xattrs: 'XATTRS_TOO_LARGE', acls: 'ACLS_UNREADABLE' } as const
  target.deliver([file(1, 'a', 'one', { attributes }), file(2, 'b', 'two', { attributes: NONE })])
  expect(counts(target)).toEqual(['1 ACLS_UNREADABLE', '1 XATTRS_TOO_LARGE'])
})

test('one that holds some of them holds those', () => {
  const { target, tree } = targetOver()
  tree.refuseAttribute = (name) => (name === ACCESS_LIST ? 'unsupported' : null)
  target.deliver([file(1, 'a', 'one', full)])
  expect(tree.lstatClosely(at('a'), { xattrs: true, acls: true })?.attributes).toEqual({
    xattrs: FULL.xattrs,
    acls: NONE.acls,
  })
  expect(counts(target)).toEqual(['1 ACLS_UNSUPPORTED'])
})

test('a file system that holds no further names holds files of their own', () => {
  const { target, tree } = targetOver({ hardLinks: true })
  tree.namesMax = 1
  const names = ['a', 'b', 'c']
  const first = target.deliver(names.map((path, index) => named(1 + index, path, '1+', 'one')))
  expect([first.wanted, first.failed]).toEqual([['a'], []])
  expect(target.look()).toEqual(['a one', 'b one', 'c one'])
  expect(groupsIn(tree)).toEqual([])
  expect(newest(target)).toEqual(['3 c LINKS_UNSUPPORTED', '2 b LINKS_UNSUPPORTED'])
  expect(target.notices).toHaveLength(1)
  const inodes = names.map((path) => tree.lstat(at(path))?.inode)
  const touched = { mode: 0o600 }
  target.deliver(names.map((path, index) => named(11 + index, path, '1+', 'one', touched)))
  expect(names.map((path) => tree.lstat(at(path))?.inode)).toEqual(inodes)
  expect(names.map((path) => tree.lstat(at(path))?.mode)).toEqual([0o600, 0o600, 0o600])
  expect(counts(target)).toEqual(['2 LINKS_UNSUPPORTED'])
  tree.namesMax = 9
  target.deliver(names.map((path, index) => named(21 + index, path, '1+', 'one')))
  expect(groupsIn(tree)).toEqual(['a=b=c'])
  expect(counts(target)).toEqual([])
})

describe('owners', () => {
  test('that may not be set are counted where they differ', () => {
    const { target, tree } = targetOver({})
    const setMetadata = tree.setMetadata.bind(tree)
    tree.setMetadata = (...change) => {
      if (change[2].owner !== null) throw treeError('NO_PERMISSION', 'change', change[0])
      setMetadata(...change)
    }
    const createWhole = tree.createWhole.bind(tree)
    tree.createWhole = (...file_) => {
      if (file_[2].owner !== null) throw treeError('NO_PERMISSION', 'change', file_[0])
      createWhole(...file_)
    }
    target.deliver([
      folder(1, 'd', { uid: 7 }),
      file(2, 'd/a', 'one', { uid: 7, mode: 0o4755 }),
      file(3, 'b', 'two'),
      symlink(4, 'l', 'x', { gid: 7 }),
    ])
    expect(counts(target)).toEqual(['3 OWNER_REFUSED'])
    expect(tree.lstat(at('d/a'))).toMatchObject({ uid: 0, mode: 0o4755 })
    target.deliver([file(5, 'b', 'two', { uid: 8 }), file(6, 'd/a', 'one')])
    expect(counts(target)).toEqual(['3 OWNER_REFUSED'])
    expect(target.notices).toHaveLength(1)
  })

  test('whose name is not known here are counted', () => {
    const { target } = targetOver({ owner: 'name' })
    target.accounts = { uidOf: (name) => (name === fromText('anna') ? 5 : null), gidOf: () => null }
    const by = (user: string) => ({ ownerNames: { user: fromText(user), group: null } })
    target.deliver([file(1, 'a', 'one', by('anna')), file(2, 'b', 'two', by('nobody'))])
    expect(newest(target)).toEqual(['2 b OWNER_UNKNOWN'])
    target.deliver([file(3, 'b', 'two', by('anna'))])
    expect(counts(target)).toEqual([])
  })
})

describe('types that the file system does not hold', () => {
  const poor = () =>
    targetOver({}, (call, path) => {
      if (call === 'make the fifo' || call === 'make the link')
        throw treeError('TYPE_UNSUPPORTED', call, path)
    }).target

  test('are left out, counted, and not tried for ever', () => {
    const target = poor()
    const { failed, outcome } = target.deliver([
      folder(1, 'd'),
      fifo(2, 'd/p'),
      symlink(3, 'l', 'd'),
      file(4, 'a', 'one'),
    ])
    expect(failed).toEqual([])
    expect(outcome.position.pending).toEqual([])
    expect(target.look()).toEqual(['a one', 'd/'])
    expect(counts(target)).toEqual(['2 TYPE_UNSUPPORTED'])
    expect(target.notices).toHaveLength(1)
    expect(target.index.claims().size).toBe(0)
  })

  test('take what lay in their place', () => {
    const target = poor()
    target.deliver([file(1, 'a', 'one'), folder(2, 'd'), file(3, 'd/b', 'two')])
    target.deliver([fifo(4, 'a'), gone(5, 'd/b'), symlink(6, 'd', 'a')])
    expect(target.look()).toEqual([])
    expect(newest(target)).toEqual(['6 d TYPE_UNSUPPORTED', '4 a TYPE_UNSUPPORTED'])
    target.deliver([file(7, 'a', 'again'), gone(8, 'd')])
    expect(target.look()).toEqual(['a again'])
    expect(counts(target)).toEqual([])
  })
})
