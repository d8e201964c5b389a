import { afterEach, beforeEach, describe, expect, test } from 'bun:test'

import type { Metadata, TargetTree } from '../../src/core/apply/target-tree.ts'
import { fromText } from '../../src/core/base/byte-string.ts'
import { ROOT, type RelPath } from '../../src/core/path/rel-path.ts'
import { type TreeFixture, at, codeOf, get, put } from './tree.suite.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const only = (part: Partial<Metadata>): Metadata => ({
  mode: null,
  owner: null,
  mtimeNs: null,
  ...part,
})

/** What every `TargetTree` does beyond reading. */
export function targetTreeSuite(name: string, make: () => TreeFixture): void {
  describe(name, () => {
    let fixture: TreeFixture
    let tree: TargetTree
    beforeEach(() => {
      fixture = make()
      tree = fixture.writer
    })
    afterEach(() => fixture.dispose())

    test.each([0o755, 0o700, 0o777, 0o1777, 0o2750, 0o500])(
      'a folder gets exactly the mode %p',
      (mode) => {
        tree.makeDirectory(at('folder'), mode)
        expect(tree.lstat(at('folder'))?.mode).toBe(mode)
      },
    )

    test('a file is made once, private, and grows at its end', () => {
      const handle = tree.create(at('file'))
      handle.write(bytesOf('one '))
      handle.write(new Uint8Array(0))
      handle.write(bytesOf('two'))
      expect(handle.stat()).toMatchObject({ type: 'file', size: 7, mode: 0o600 })
      handle.close()
      expect(get(tree, at('file'))).toBe('one two')
      expect(codeOf(() => tree.create(at('file')))).toBe('EXTRA_IN_THE_WAY')
      expect(get(tree, at('file'))).toBe('one two')
    })

    test('what a file shares stays where it is kept, and is replaced where it is written', () => {
      put(tree, at('base'), 'one two three')
      for (const bytes of [13, 11, 4]) {
        const base = tree.open(at('base'))
        const handle = tree.create(at('file'))
        const isShared = base !== null && handle.share(base, bytes)
        if (isShared) handle.keep(4)
        else handle.write(bytesOf('one '))
        handle.write(bytesOf('TWO'))
        handle.write(bytesOf(' through'))
        expect(handle.stat().size).toBe(15)
        handle.close()
        base?.close()
        expect(get(tree, at('file'))).toBe('one TWO through')
        expect(get(tree, at('base'))).toBe('one two three')
        tree.unlink(at('file'))
      }
    })

    test('a file that is closed early ends where it was written to, whatever it shares', () => {
      put(tree, at('base'), 'one two three')
      const base = tree.open(at('base'))
      const handle = tree.create(at('file'))
      if (base !== null && handle.share(base, 13)) handle.keep(4)
      else handle.write(bytesOf('one '))
      handle.close()
      handle.close()
      base?.close()
      expect(get(tree, at('file'))).toBe('one ')
    })

    test.each([
      ['at its end', 'one '],
      ['behind what is to stay of it', 'one and more'],
    ])('a file that exists goes on %s, whatever its mode', (_where, before) => {
      put(tree, at('file'), before)
      tree.setMetadata(at('file'), 'file', only({ mode: 0o400 }))
      const handle = tree.append(at('file'), 4)
      handle.write(bytesOf('two'))
      handle.close()
      expect(get(tree, at('file'))).toBe('one two')
      tree.makeDirectory(at('folder'), 0o755)
      tree.makeSymlink(at('link'), fromText('file'))
      expect(codeOf(() => tree.append(at('missing'), 0))).toBe('NOT_FOUND')
      for (const path of ['folder', 'link'].map(at))
        expect(codeOf(() => tree.append(path, 0))).toBe('EXTRA_IN_THE_WAY')
      expect(get(tree, at('file'))).toBe('one two')
    })

    test('nothing is made over what exists, nor where the folder is missing', () => {
      put(tree, at('file'), 'x')
      tree.makeSymlink(at('link'), fromText('file'))
      const makers: readonly ((path: RelPath) => void)[] = [
        (path) => tree.makeDirectory(path, 0o755),
        (path) => tree.makeSymlink(path, fromText('y')),
        (path) => tree.makeFifo(path, 0o600),
        (path) => tree.create(path).close(),
        (path) => tree.copy(at('file'), path),
      ]
      for (const make of makers) {
        for (const path of ['file', 'link'].map(at)) {
          expect(codeOf(() => make(path))).toBe('EXTRA_IN_THE_WAY')
        }
        expect(codeOf(() => make(at('none/x')))).toBe('NOT_FOUND')
      }
      expect(tree.list(ROOT)?.toSorted()).toEqual(['file', 'link'].map(fromText))
    })

    test('an empty folder is removed, a full one is kept and told, a missing one counts as removed', () => {
      tree.makeDirectory(at('a'), 0o755)
      tree.makeDirectory(at('a/b'), 0o755)
      expect(tree.removeDirectory(at('a'))).toBe(false)
      expect(tree.removeDirectory(at('a/b'))).toBe(true)
      expect(tree.removeDirectory(at('a'))).toBe(true)
      expect(tree.removeDirectory(at('a'))).toBe(true)
      expect(tree.removeDirectory(at('none/deeper'))).toBe(true)
    })

    test('removing takes what is named: files by unlink, folders by removeDirectory', () => {
      put(tree, at('file'), 'x')
      tree.makeSymlink(at('link'), fromText('folder'))
      tree.makeDirectory(at('folder'), 0o755)
      tree.makeFifo(at('fifo'), 0o600)
      expect(codeOf(() => tree.unlink(at('folder')))).toBe('EXTRA_IN_THE_WAY')
      expect(codeOf(() => tree.removeDirectory(at('file')))).toBe('EXTRA_IN_THE_WAY')
      expect(codeOf(() => tree.removeDirectory(at('link')))).toBe('EXTRA_IN_THE_WAY')
      for (const path of ['file', 'link', 'fifo', 'file', 'none/deeper'].map(at)) tree.unlink(path)
      expect(tree.list(ROOT)).toEqual([fromText('folder')])
    })

    test('a rename replaces files, links and fifos in one step', () => {
      for (const existing of ['file', 'link', 'fifo']) {
        put(tree, at('new'), `for ${existing}`)
        if (existing === 'file') put(tree, at(existing), 'old')
        if (existing === 'link') tree.makeSymlink(at(existing), fromText('file'))
        if (existing === 'fifo') tree.makeFifo(at(existing), 0o600)
        tree.rename(at('new'), at(existing))
        expect(get(tree, at(existing))).toBe(`for ${existing}`)
        expect(tree.lstat(at('new'))).toBeNull()
      }
    })

    test('placing takes a free name only', () => {
      put(tree, at('new'), 'new')
      tree.makeDirectory(at('folder'), 0o755)
      put(tree, at('file'), 'old')
      tree.makeSymlink(at('link'), fromText('nowhere'))
      for (const path of ['file', 'link', 'folder'].map(at))
        expect(codeOf(() => tree.place(at('new'), path))).toBe('EXTRA_IN_THE_WAY')
      expect(codeOf(() => tree.place(at('new'), at('none/x')))).toBe('NOT_FOUND')
      expect(codeOf(() => tree.place(at('none'), at('x')))).toBe('NOT_FOUND')
      expect(get(tree, at('file'))).toBe('old')
      tree.place(at('new'), at('folder/new'))
      expect(get(tree, at('folder/new'))).toBe('new')
      expect(tree.lstat(at('new'))).toBeNull()
    })

    test('a whole file is made with its content and metadata, once', () => {
      const metadata = { mode: 0o4750, owner: null, mtimeNs: 1_700_000_000_123_456_789n }
      tree.createWhole(at('file'), bytesOf('content'), metadata)
      expect(get(tree, at('file'))).toBe('content')
      const { mode, mtimeNs } = metadata
      expect(tree.lstat(at('file'))).toMatchObject({ type: 'file', mode, mtimeNs, size: 7 })
      const again = () => tree.createWhole(at('file'), bytesOf('other'), only({}))
      expect(codeOf(again)).toBe('EXTRA_IN_THE_WAY')
      expect(get(tree, at('file'))).toBe('content')
      tree.createWhole(at('empty'), new Uint8Array(), only({}))
      expect(tree.lstat(at('empty'))).toMatchObject({ size: 0, mode: 0o600 })
      const nowhere = () => tree.createWhole(at('none/x'), bytesOf('x'), only({}))
      expect(codeOf(nowhere)).toBe('NOT_FOUND')
    })

    test('a file gets further names, which are all of one file', () => {
      put(tree, at('a'), 'one')
      tree.makeDirectory(at('d'), 0o755)
      expect(tree.link(at('a'), at('d/b'))).toBe(true)
      const [one, other] = [tree.lstat(at('a')), tree.lstat(at('d/b'))]
      expect(one).toEqual(other)
      expect(one?.linkCount).toBe(2)
      expect(get(tree, at('d/b'))).toBe('one')
      tree.setMetadata(at('a'), 'file', only({ mode: 0o640 }))
      expect(tree.lstat(at('d/b'))?.mode).toBe(0o640)
      tree.unlink(at('a'))
      expect(tree.lstat(at('d/b'))).toMatchObject({ linkCount: 1, inode: one?.inode ?? 0n })
    })

    test('a name is made once, of what is there, and no link is followed', () => {
      put(tree, at('a'), 'one')
      put(tree, at('b'), 'two')
      tree.makeSymlink(at('link'), fromText('a'))
      expect(codeOf(() => tree.link(at('a'), at('b')))).toBe('EXTRA_IN_THE_WAY')
      expect(codeOf(() => tree.link(at('none'), at('c')))).toBe('NOT_FOUND')
      expect(codeOf(() => tree.link(at('a'), at('none/c')))).toBe('NOT_FOUND')
      expect(get(tree, at('b'))).toBe('two')
      tree.link(at('link'), at('other'))
      expect(tree.lstat(at('other'))?.type).toBe('symlink')
      tree.makeDirectory(at('d'), 0o755)
      expect(tree.link(at('d'), at('e'))).toBe(false)
    })

    test('a rename of one name of a file to another leaves both', () => {
      put(tree, at('a'), 'one')
      tree.link(at('a'), at('b'))
      tree.rename(at('a'), at('b'))
      expect(tree.list(ROOT)?.toSorted()).toEqual(['a', 'b'].map(fromText))
    })

    test('a folder is placed with what is in it, and is known there at once', () => {
      tree.makeDirectory(at('new'), 0o700)
      put(tree, at('new/file'), 'content')
      expect(tree.lstat(at('folder/file'))).toBeNull()
      tree.place(at('new'), at('folder'))
      expect(get(tree, at('folder/file'))).toBe('content')
      expect(tree.lstat(at('new/file'))).toBeNull()
      put(tree, at('folder/other'), 'beside it')
      expect(tree.list(at('folder'))?.toSorted()).toEqual([at('file'), at('other')])
    })

    test('a name that is replaced leaves the others as they are', () => {
      put(tree, at('a'), 'one')
      tree.link(at('a'), at('b'))
      const before = tree.lstat(at('a'))
      put(tree, at('new'), 'two')
      tree.rename(at('new'), at('b'))
      expect(get(tree, at('a'))).toBe('one')
      expect(tree.lstat(at('a'))).toMatchObject({ linkCount: 1, inode: before?.inode ?? 0n })
      expect(tree.lstat(at('a'))?.ctimeNs).not.toBe(before?.ctimeNs ?? 0n)
    })

    test('a folder is renamed with all that is in it', () => {
      tree.makeDirectory(at('a'), 0o755)
      tree.makeDirectory(at('b'), 0o755)
      put(tree, at('a/file'), 'x')
      tree.rename(at('a'), at('b/c'))
      expect(get(tree, at('b/c/file'))).toBe('x')
      expect(tree.lstat(at('a'))).toBeNull()
    })

    test.each([
      ['a missing path', 'none', 'x', 'NOT_FOUND'],
      ['into a missing folder', 'file', 'none/x', 'NOT_FOUND'],
      ['a file over a folder', 'file', 'folder', 'EXTRA_IN_THE_WAY'],
      ['a folder over a file', 'folder', 'file', 'EXTRA_IN_THE_WAY'],
      ['a folder over a full one', 'empty', 'folder', 'FOLDER_NOT_EMPTY'],
    ] as const)('a rename is refused: %s', (...[, from, to, code]) => {
      put(tree, at('file'), 'x')
      tree.makeDirectory(at('folder'), 0o755)
      tree.makeDirectory(at('empty'), 0o755)
      put(tree, at('folder/inner'), 'y')
      expect(codeOf(() => tree.rename(at(from), at(to)))).toBe(code)
      expect(get(tree, at('file'))).toBe('x')
      expect(get(tree, at('folder/inner'))).toBe('y')
    })

    test('a copy has the content and its own inode, and nothing else of the original', () => {
      const content = 'content '.repeat(50_000)
      put(tree, at('a'), content)
      tree.setMetadata(at('a'), 'file', only({ mode: 0o640, mtimeNs: 5n }))
      tree.copy(at('a'), at('b'))
      expect(get(tree, at('b'))).toBe(content)
      expect(tree.lstat(at('b'))?.mode).toBe(0o600)
      expect(tree.lstat(at('b'))?.inode).not.toBe(tree.lstat(at('a'))?.inode ?? 0n)
      put(tree, at('empty'), '')
      tree.copy(at('empty'), at('empty copy'))
      expect(get(tree, at('empty copy'))).toBe('')
      expect(codeOf(() => tree.copy(at('none'), at('c')))).toBe('NOT_FOUND')
      expect(tree.lstat(at('c'))).toBeNull()
    })

    test.each(['file', 'directory', 'fifo', 'symlink'] as const)(
      'metadata of a %s: mode with its special bits, mtime to the nanosecond',
      (type) => {
        const path = at('x')
        if (type === 'file') put(tree, path, 'x')
        if (type === 'directory') tree.makeDirectory(path, 0o700)
        if (type === 'fifo') tree.makeFifo(path, 0o600)
        if (type === 'symlink') tree.makeSymlink(path, fromText('nowhere'))
        const before = tree.lstat(path)
        const mtimeNs = 1_700_000_000_123_456_789n
        tree.setMetadata(path, type, { mode: 0o6751, owner: null, mtimeNs })
        const after = tree.lstat(path)
        expect(after?.mtimeNs).toBe(mtimeNs)
        expect(after?.mode).toBe(type === 'symlink' ? (before?.mode ?? -1) : 0o6751)
        tree.setMetadata(path, type, only({ mode: 0o600 }))
        expect(tree.lstat(path)?.mtimeNs).toBe(mtimeNs)
      },
    )

    test.each([0n, -1n, -1_500_000_000n, 1n, 4_000_000_000_999_999_999n])(
      'an mtime of %p ns is kept',
      (mtimeNs) => {
        put(tree, at('file'), 'x')
        tree.setMetadata(at('file'), 'file', only({ mtimeNs }))
        expect(tree.lstat(at('file'))?.mtimeNs).toBe(mtimeNs)
      },
    )

    test('metadata of an open file is set on it, whatever its name is by then', () => {
      const handle = tree.create(at('a'))
      handle.write(bytesOf('x'))
      tree.rename(at('a'), at('b'))
      handle.setMetadata({ mode: 0o4755, owner: null, mtimeNs: 123_456_789_012n })
      handle.close()
      expect(tree.lstat(at('b'))).toMatchObject({ mode: 0o4755, mtimeNs: 123_456_789_012n })
    })

    test('metadata is for the type that was expected, and for what exists', () => {
      put(tree, at('file'), 'x')
      tree.makeSymlink(at('link'), fromText('file'))
      const change = only({ mode: 0o777, mtimeNs: 7n })
      expect(codeOf(() => tree.setMetadata(at('link'), 'file', change))).toBe('EXTRA_IN_THE_WAY')
      expect(codeOf(() => tree.setMetadata(at('none'), 'file', change))).toBe('NOT_FOUND')
      expect(tree.lstat(at('file'))?.mode).toBe(0o600)
    })

    test('making, changing and removing names moves the mtime of their folder', () => {
      tree.makeDirectory(at('folder'), 0o755)
      const steps: readonly (() => void)[] = [
        () => put(tree, at('folder/a'), 'x'),
        () => tree.makeDirectory(at('folder/b'), 0o755),
        () => tree.makeSymlink(at('folder/c'), fromText('a')),
        () => tree.rename(at('folder/a'), at('folder/d')),
        () => tree.unlink(at('folder/d')),
        () => void tree.removeDirectory(at('folder/b')),
      ]
      for (const step of steps) {
        tree.setMetadata(at('folder'), 'directory', only({ mtimeNs: 1000n }))
        step()
        expect(tree.lstat(at('folder'))?.mtimeNs).not.toBe(1000n)
      }
    })

    test('sync returns', () => {
      put(tree, at('file'), 'x')
      tree.sync()
      expect(get(tree, at('file'))).toBe('x')
    })

    test('errors name the path and say what was tried', () => {
      expect(() => tree.create(at('no/such "place"'))).toThrow(
        'cannot write "no/such \\"place\\"": no such file or folder',
      )
    })
  })
}
