import { afterEach, beforeEach, describe, expect, test } from 'bun:test'

import type { MetadataHandle, TargetTree } from '../../src/core/apply/target-tree.ts'
import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import { plainList } from '../../src/core/change/access-list.ts'
import { ACCESS_LIST, type Attributes, INHERITED_LIST } from '../../src/core/change/attributes.ts'
import type { FileType } from '../../src/core/change/entry.ts'
import { accessList } from '../fakes/access-lists.ts'
import { BINDS, type TreeFixture, at, codeOf, put } from './tree.suite.ts'

const BOTH = { xattrs: true, acls: true }
const A = 'user.a' as ByteString
const B = 'user.b' as ByteString
const PRIVILEGES = 'security.capability' as ByteString
const LIST = accessList('u::rw-', 'u:1001:rw-', 'g::r--', 'm::rw-', 'o::---')
const HANDED_DOWN = accessList('u::rwx', 'u:1001:rwx', 'g::r-x', 'm::rwx', 'o::---')

/** What every tree does with extended attributes and access lists, on a file system that holds them. */
export function attributeSuite(name: string, make: () => TreeFixture): void {
  describe(name, () => {
    let fixture: TreeFixture
    let tree: TargetTree
    beforeEach(() => {
      fixture = make()
      tree = fixture.writer
      put(tree, at('file'), 'x')
      tree.makeDirectory(at('folder'), 0o755)
      tree.makeSymlink(at('link'), fromText('file'))
      tree.makeFifo(at('fifo'), 0o600)
    })
    afterEach(() => fixture.dispose())

    const read = (path: string, kinds = BOTH): Attributes | undefined =>
      fixture.reader.lstatClosely(at(path), kinds)?.attributes
    const on = <T>(path: string, type: FileType, work: (handle: MetadataHandle) => T): T => {
      const handle = tree.openMetadata(at(path), type)
      try {
        return work(handle)
      } finally {
        handle.close()
      }
    }
    const set = (path: string, name: ByteString, value: ByteString | null) =>
      on(path, tree.lstat(at(path))?.type ?? 'file', (handle) => handle.setAttribute(name, value))

    test('a close look is a look and, in order of name, the attributes that travel', () => {
      const none = { xattrs: [], acls: { access: null, inherited: null } }
      for (const path of ['file', 'folder', 'link', 'fifo']) expect(read(path)).toEqual(none)
      for (const [name, value] of [
        [B, 'two'],
        [A, '\x00\xff'],
        ['trusted.c' as ByteString, 'no'],
      ] as const)
        set('file', name, value as ByteString)
      const closely = fixture.reader.lstatClosely(at('file'), BOTH)
      expect(closely?.attributes?.xattrs).toEqual([
        { name: A, value: '\x00\xff' as ByteString },
        { name: B, value: 'two' as ByteString },
      ])
      expect(closely).toMatchObject(tree.lstat(at('file')) ?? {})
      expect(fixture.reader.lstatClosely(at('none'), BOTH)).toBeNull()
    })

    test('what was not asked for is null', () => {
      set('file', A, 'one' as ByteString)
      set('file', ACCESS_LIST, LIST)
      expect(read('file', { xattrs: true, acls: false })?.acls).toBeNull()
      expect(read('file', { xattrs: false, acls: true })?.xattrs).toBeNull()
    })

    test.each(['file', 'folder'] as const)(
      'attributes of a %s are set, replaced, removed',
      (path) => {
        expect(set(path, A, 'one' as ByteString)).toBeNull()
        expect(set(path, A, '' as ByteString)).toBeNull()
        expect(read(path)?.xattrs).toEqual([{ name: A, value: '' as ByteString }])
        expect(set(path, A, null)).toBeNull()
        expect(set(path, A, null)).toBeNull()
        expect(read(path)?.xattrs).toEqual([])
      },
    )

    test('privileges of a program are read and set', () => {
      expect(set('file', PRIVILEGES, BINDS)).toBeNull()
      expect(read('file')?.xattrs).toEqual([{ name: PRIVILEGES, value: BINDS }])
    })

    test('attributes of an open file are its own, whatever its name is by then', () => {
      const handle = tree.create(at('a'))
      tree.rename(at('a'), at('b'))
      expect(handle.setAttribute(A, 'one' as ByteString)).toBeNull()
      expect(handle.attributes(BOTH).xattrs).toEqual([{ name: A, value: 'one' as ByteString }])
      handle.close()
      expect(read('b')?.xattrs).toHaveLength(1)
    })

    test('an access list shows in the mode, and a change of mode is one of its mask', () => {
      expect(set('file', ACCESS_LIST, LIST)).toBeNull()
      expect(read('file')?.acls).toEqual({ access: LIST, inherited: null })
      expect(tree.lstat(at('file'))?.mode).toBe(0o660)
      tree.setMetadata(at('file'), 'file', { mode: 0o4640, owner: null, mtimeNs: null })
      const narrower = accessList('u::rw-', 'u:1001:rw-', 'g::r--', 'm::r--', 'o::---')
      expect(read('file')?.acls).toEqual({ access: narrower, inherited: null })
      expect(tree.lstat(at('file'))?.mode).toBe(0o4640)
    })

    test('a list that says no more than a mode leaves just that', () => {
      set('file', ACCESS_LIST, LIST)
      expect(set('file', ACCESS_LIST, plainList(0o604))).toBeNull()
      expect(read('file')?.acls).toEqual({ access: null, inherited: null })
      expect(tree.lstat(at('file'))?.mode).toBe(0o604)
    })

    test('what a folder hands down is what new things in it begin with', () => {
      expect(set('folder', INHERITED_LIST, HANDED_DOWN)).toBeNull()
      expect(read('folder')?.acls).toEqual({ access: null, inherited: HANDED_DOWN })
      put(tree, at('folder/file'), 'x')
      tree.makeDirectory(at('folder/inner'), 0o750)
      expect(read('folder/file')?.acls).toMatchObject({ inherited: null })
      expect(read('folder/file')).not.toMatchObject({ acls: { access: null } })
      expect(tree.lstat(at('folder/file'))?.mode).toBe(0o600)
      expect(tree.lstat(at('folder/inner'))?.mode).toBe(0o750)
      expect(read('folder/inner')?.acls).toMatchObject({ inherited: HANDED_DOWN })
      expect(set('folder', INHERITED_LIST, null)).toBeNull()
      expect(read('folder')?.acls).toEqual({ access: null, inherited: null })
    })

    test('attributes move the ctime and nothing else', () => {
      const before = tree.lstat(at('file'))
      set('file', A, 'one' as ByteString)
      const after = tree.lstat(at('file'))
      expect(after?.ctimeNs).not.toBe(before?.ctimeNs ?? 0n)
      expect({ ...after, ctimeNs: 0n }).toEqual({ ...before, ctimeNs: 0n } as never)
    })

    test('a handle is for the type that was expected, and for what exists', () => {
      const open = (path: string, type: FileType) => () => tree.openMetadata(at(path), type)
      expect(codeOf(open('link', 'file'))).toBe('EXTRA_IN_THE_WAY')
      expect(codeOf(open('none', 'file'))).toBe('NOT_FOUND')
    })

    test('mode, owner and mtime are set through a handle as well', () => {
      for (const [path, type] of [
        ['folder', 'directory'],
        ['fifo', 'fifo'],
      ] as const) {
        on(path, type, (handle) =>
          handle.setMetadata({ mode: 0o1710, owner: null, mtimeNs: 1_234_567_890_123n }),
        )
        expect(tree.lstat(at(path))).toMatchObject({ mode: 0o1710, mtimeNs: 1_234_567_890_123n })
      }
    })

    test('what is copied has none of them', () => {
      set('file', A, 'one' as ByteString)
      set('file', ACCESS_LIST, LIST)
      tree.copy(at('file'), at('copy'))
      expect(read('copy')).toEqual({ xattrs: [], acls: { access: null, inherited: null } })
    })
  })
}
