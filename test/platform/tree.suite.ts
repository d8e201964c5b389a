import { afterEach, beforeEach, describe, expect, test } from 'bun:test'

import type { Metadata, ReadTree, TargetTree } from '../../src/core/apply/target-tree.ts'
import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import { AppError, type ErrorCode } from '../../src/core/base/errors.ts'
import { ROOT, type RelPath, parseRelPath } from '../../src/core/path/rel-path.ts'

/** What the suites need of an implementation: a fresh root for each test, filled through `writer`. */
export interface TreeFixture {
  readonly reader: ReadTree
  readonly writer: TargetTree
  dispose(): void
}

/** Parses text as a path below the root. */
export function at(text: string): RelPath {
  return atBytes(fromText(text))
}

function atBytes(bytes: ByteString): RelPath {
  const parsed = parseRelPath(bytes)
  if (!parsed.ok) throw new Error(parsed.error.message)
  return parsed.value
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const only = (part: Partial<Metadata>): Metadata => ({
  mode: null,
  owner: null,
  mtimeNs: null,
  ...part,
})

/** Makes a file with content. */
export function put(tree: TargetTree, path: RelPath, content: string): void {
  const handle = tree.create(path)
  handle.write(bytesOf(content))
  handle.close()
}

/** Gives the content of a file; null where it cannot be opened as one. */
export function get(tree: ReadTree, path: RelPath): string | null {
  const handle = tree.open(path)
  if (handle === null) return null
  const parts: Uint8Array[] = []
  for (let position = 0; ;) {
    const buffer = new Uint8Array(7)
    const length = handle.read(buffer, position)
    if (length === 0) break
    parts.push(buffer.subarray(0, length))
    position += length
  }
  handle.close()
  return Buffer.concat(parts).toString('latin1')
}

/** Gives the code of the AppError that a call throws; null where it throws none. */
export function codeOf(run: () => unknown): ErrorCode | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

const ODD_NAMES: readonly (readonly [string, ByteString])[] = [
  ['spaces and quotes', fromText(` a "b" 'c' `)],
  ['a newline', fromText('a\nb')],
  ['a backslash and a star', fromText('a\\*?')],
  ['a leading dash', fromText('-rf')],
  ['dots', fromText('...')],
  ['UTF-8', fromText('Grüße 🙂')],
  ['not UTF-8', '\xff\xfe\x80' as ByteString],
  ['255 bytes', 'n'.repeat(255) as ByteString],
]

/** What every `ReadTree` does. */
export function readTreeSuite(name: string, make: () => TreeFixture): void {
  describe(name, () => {
    let fixture: TreeFixture
    let tree: ReadTree
    let writer: TargetTree
    beforeEach(() => {
      fixture = make()
      tree = fixture.reader
      writer = fixture.writer
    })
    afterEach(() => fixture.dispose())

    test('a new root is an empty folder', () => {
      expect(tree.lstat(ROOT)).toMatchObject({ type: 'directory', size: 0, linkTarget: null })
      expect(tree.list(ROOT)).toEqual([])
    })

    test('each type is told, with its size and where a link points', () => {
      put(writer, at('file'), 'content')
      writer.makeDirectory(at('folder'), 0o755)
      writer.makeSymlink(at('link'), fromText('no/such place'))
      writer.makeFifo(at('fifo'), 0o640)
      expect(tree.lstat(at('file'))).toMatchObject({ type: 'file', size: 7, linkTarget: null })
      expect(tree.lstat(at('folder'))).toMatchObject({ type: 'directory', size: 0 })
      expect(tree.lstat(at('link'))).toMatchObject({
        type: 'symlink',
        size: 0,
        linkTarget: fromText('no/such place'),
      })
      expect(tree.lstat(at('fifo'))).toMatchObject({ type: 'fifo', size: 0, mode: 0o640 })
      expect(tree.list(ROOT)?.toSorted()).toEqual(['fifo', 'file', 'folder', 'link'].map(fromText))
    })

    test.each(ODD_NAMES)('a name with %s is kept as it is', (_name, bytes) => {
      const path = atBytes(bytes)
      put(writer, path, 'x')
      expect(tree.list(ROOT)).toEqual([bytes])
      expect(tree.lstat(path)?.type).toBe('file')
      expect(get(tree, path)).toBe('x')
    })

    test('a folder of many names is listed whole', () => {
      writer.makeDirectory(at('many'), 0o755)
      const names = Array.from({ length: 1500 }, (_, index) => `a name of some length ${index}`)
      for (const file of names) put(writer, at(`many/${file}`), '')
      expect(tree.list(at('many'))?.toSorted()).toEqual(names.map(fromText).toSorted())
    })

    test('what does not exist is null, also below a file or a link', () => {
      put(writer, at('file'), '')
      writer.makeDirectory(at('folder'), 0o755)
      put(writer, at('folder/inner'), 'inner')
      writer.makeSymlink(at('link'), fromText('folder'))
      for (const path of ['none', 'none/deeper', 'file/below', 'link/inner'].map(at)) {
        expect(tree.lstat(path)).toBeNull()
        expect(tree.list(path)).toBeNull()
        expect(tree.open(path)).toBeNull()
      }
    })

    test('only folders are listed and only files are opened, never through a link', () => {
      put(writer, at('file'), 'x')
      writer.makeDirectory(at('folder'), 0o755)
      writer.makeSymlink(at('to-file'), fromText('file'))
      writer.makeSymlink(at('to-folder'), fromText('folder'))
      writer.makeFifo(at('fifo'), 0o600)
      for (const path of ['file', 'to-file', 'to-folder', 'fifo'].map(at)) {
        expect(tree.list(path)).toBeNull()
      }
      for (const path of ['folder', 'to-file', 'to-folder', 'fifo'].map(at)) {
        expect(tree.open(path)).toBeNull()
      }
    })

    test('a file is read at any position, and nothing comes past its end', () => {
      put(writer, at('file'), '0123456789')
      const handle = tree.open(at('file'))
      const buffer = new Uint8Array(4)
      expect(handle?.read(buffer, 8)).toBe(2)
      expect(String.fromCharCode(...buffer.subarray(0, 2))).toBe('89')
      expect(handle?.read(buffer, 3)).toBe(4)
      expect(String.fromCharCode(...buffer)).toBe('3456')
      expect(handle?.read(buffer, 10)).toBe(0)
      expect(handle?.read(buffer, 4000)).toBe(0)
      handle?.close()
    })

    test('an open file tells the same as its path, and stays readable after a rename over it', () => {
      put(writer, at('file'), 'old')
      put(writer, at('new'), 'newer')
      const handle = tree.open(at('file'))
      expect(handle?.stat()).toEqual(tree.lstat(at('file')) ?? undefined)
      writer.rename(at('new'), at('file'))
      const buffer = new Uint8Array(10)
      expect(handle?.read(buffer, 0)).toBe(3)
      expect(handle?.stat().inode).not.toBe(tree.lstat(at('file'))?.inode ?? 0n)
      handle?.close()
    })

    test('two files differ in inode; a content change moves size and ctime, a rename keeps inode and birth', () => {
      put(writer, at('a'), 'a')
      put(writer, at('b'), 'b')
      const before = tree.lstat(at('a'))
      expect(before?.inode).not.toBe(tree.lstat(at('b'))?.inode ?? 0n)
      writer.rename(at('a'), at('c'))
      const after = tree.lstat(at('c'))
      expect(after?.inode).toBe(before?.inode ?? 0n)
      expect(after?.birthNs).toBe(before?.birthNs ?? 0n)
      expect(after?.mtimeNs).toBe(before?.mtimeNs ?? 0n)
      expect(after?.linkCount).toBe(1)
    })

    test('the identity of a root stays, and two roots differ', () => {
      const other = make()
      const identity = tree.identity()
      put(writer, at('a'), 'a')
      expect(tree.identity()).toEqual(identity)
      const { device, inode } = other.reader.identity()
      expect([device, inode]).not.toEqual([identity.device, identity.inode])
      expect(tree.lstat(ROOT)).toMatchObject({ device: identity.device, inode: identity.inode })
      other.dispose()
    })
  })
}

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
