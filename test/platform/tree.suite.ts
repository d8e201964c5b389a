import { afterEach, beforeEach, describe, expect, test } from 'bun:test'

import type { ReadTree, TargetTree } from '../../src/core/apply/target-tree.ts'
import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import { AppError, type ErrorCode } from '../../src/core/base/errors.ts'
import { ROOT, type RelPath, parseRelPath } from '../../src/core/path/rel-path.ts'

/** What the suites need of an implementation: a fresh root for each test, filled through `writer`. */
export interface TreeFixture {
  readonly reader: ReadTree
  readonly writer: TargetTree
  dispose(): void
}

/** CAP_NET_BIND_SERVICE, permitted, as `setcap` writes it. */
export const BINDS =
  '\x00\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00' as ByteString

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

    test('whether somebody writes a file is told, or that nobody can say', () => {
      put(writer, at('file'), 'content')
      const told = () => tree.isBeingWritten(at('file'))
      expect(told()).not.toBe(true)
      const handle = writer.create(at('other'))
      const other = tree.isBeingWritten(at('other'))
      expect(other).not.toBe(false)
      handle.close()
      if (other !== null) expect([told(), tree.isBeingWritten(at('other'))]).toEqual([false, false])
      expect(tree.isBeingWritten(at('none'))).toBeNull()
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
