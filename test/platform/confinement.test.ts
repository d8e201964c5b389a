import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Metadata } from '../../src/core/apply/target-tree.ts'
import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import { ROOT, type RelPath } from '../../src/core/path/rel-path.ts'
import { ConfinedReadTree } from '../../src/platform/confined-read-tree.ts'
import { ConfinedTargetTree } from '../../src/platform/confined-target-tree.ts'
import { PortableReadTree } from '../../src/platform/portable-tree.ts'
import { openReadTree, openTargetTree } from '../../src/platform/trees.ts'
import { at, codeOf, get, put } from './tree.suite.ts'

let base = ''
let tree: ConfinedTargetTree
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'cd-attack-'))
  mkdirSync(join(base, 'root'))
  mkdirSync(join(base, 'outside'))
  writeFileSync(join(base, 'outside/secret'), 'secret')
  tree = new ConfinedTargetTree(join(base, 'root'))
})
afterEach(() => {
  tree.close()
  rmSync(base, { recursive: true, force: true })
})

const inRoot = (name: string): string => join(base, 'root', name)
const metadata: Metadata = { mode: 0o777, owner: { uid: 1, gid: 1 }, mtimeNs: 1n }

/** Everything that a tree can be made to do with a path. */
const ACTIONS: readonly (readonly [name: string, run: (path: RelPath) => unknown])[] = [
  ['make a folder', (path) => tree.makeDirectory(path, 0o777)],
  ['make a file', (path) => tree.create(path).close()],
  ['make a link', (path) => tree.makeSymlink(path, fromText('x'))],
  ['make a fifo', (path) => tree.makeFifo(path, 0o600)],
  ['copy to', (path) => tree.copy(at('content'), path)],
  ['copy from', (path) => tree.copy(path, at('copy'))],
  ['make a whole file', (path) => tree.createWhole(path, new Uint8Array(1), metadata)],
  ['place at', (path) => tree.place(at('content'), path)],
  ['place from', (path) => tree.place(path, at('stolen'))],
  ['rename to', (path) => tree.rename(at('content'), path)],
  ['rename from', (path) => tree.rename(path, at('stolen'))],
  ['link to', (path) => tree.link(at('content'), path)],
  ['link from', (path) => tree.link(path, at('stolen'))],
  ['remove', (path) => tree.unlink(path)],
  ['remove the folder', (path) => tree.removeDirectory(path)],
  ['change', (path) => tree.setMetadata(path, 'file', metadata)],
  ['change through a handle', (path) => changeThroughHandle(path)],
  ['look at', (path) => tree.lstat(path)],
  ['look closely at', (path) => tree.lstatClosely(path, { xattrs: true, acls: true })],
  ['list', (path) => tree.list(path)],
  ['read', (path) => tree.open(path)],
]
const READING = new Set(['look at', 'look closely at', 'list', 'read'])

function changeThroughHandle(path: RelPath): void {
  const handle = tree.openMetadata(path, 'file')
  try {
    handle.setMetadata(metadata)
    handle.setAttribute('user.a' as ByteString, 'x' as ByteString)
  } finally {
    handle.close()
  }
}

const expectOutsideUntouched = (): void => {
  expect(readdirSync(join(base, 'outside'))).toEqual(['secret'])
  expect(readFileSync(join(base, 'outside/secret'), 'utf8')).toBe('secret')
  expect(lstatSync(join(base, 'outside/secret')).mode & 0o777).not.toBe(0o777)
  expect(readdirSync(base).toSorted()).toEqual(['outside', 'root'])
}

/** Paths that no parser lets through: the kernel alone must hold them. */
const LEAVING = [
  '..',
  '../outside',
  '../outside/secret',
  'folder/../../outside/secret',
  '/etc/passwd',
]

describe.each(LEAVING)('the path %s', (text) => {
  test.each(ACTIONS)('is refused: %s', (_name, run) => {
    put(tree, at('content'), 'content')
    tree.makeDirectory(at('folder'), 0o755)
    expect(codeOf(() => run(fromText(text) as RelPath))).toBe('PATH_INVALID')
    expectOutsideUntouched()
  })
})

describe.each(['to a folder outside', 'to the root itself', 'within the root', 'absolute'])(
  'a link on the way, %s',
  (kind) => {
    beforeEach(() => {
      put(tree, at('content'), 'content')
      tree.makeDirectory(at('real'), 0o755)
      put(tree, at('real/secret'), 'real')
      const targets: Record<string, string> = {
        'to a folder outside': '../outside',
        'to the root itself': '.',
        'within the root': 'real',
        absolute: join(base, 'outside'),
      }
      symlinkSync(targets[kind] ?? '', inRoot('link'))
    })

    test.each(ACTIONS)('is not followed: %s', (name, run) => {
      for (const path of ['link/secret', 'link/new'].map(at)) {
        const code = codeOf(() => {
          const seen = run(path)
          if (READING.has(name)) expect(seen).toBeNull()
        })
        const isGone = READING.has(name) || name.startsWith('remove')
        const isMissing = ['change', 'change through a handle', 'copy from'].includes(name)
        expect(code).toBe(isGone ? null : isMissing ? 'NOT_FOUND' : 'EXTRA_IN_THE_WAY')
      }
      expectOutsideUntouched()
      expect(get(tree, at('real/secret'))).toBe('real')
      expect(get(tree, at('content'))).toBe('content')
    })
  },
)

test('a folder swapped for a link in mid-work leads nowhere, in either order', async () => {
  tree.makeDirectory(at('folder'), 0o755)
  put(tree, at('folder/a'), 'a')
  const handle = tree.create(at('folder/b'))
  renameSync(inRoot('folder'), inRoot('moved'))
  symlinkSync(join(base, 'outside'), inRoot('folder'))
  // A folder stays open for calls of one turn only.
  await Promise.resolve()
  expect(codeOf(() => tree.rename(at('folder/b'), at('folder/secret')))).toBe('EXTRA_IN_THE_WAY')
  expect(codeOf(() => put(tree, at('folder/c'), 'c'))).toBe('EXTRA_IN_THE_WAY')
  expect(tree.lstat(at('folder/secret'))).toBeNull()
  handle.write(new TextEncoder().encode('b'))
  handle.close()
  expect(get(tree, at('moved/b'))).toBe('b')
  expectOutsideUntouched()
})

test('within a turn the folder that was reached is worked in, wherever it was moved, and nothing behind its name', () => {
  tree.makeDirectory(at('folder'), 0o755)
  put(tree, at('folder/a'), 'a')
  renameSync(inRoot('folder'), inRoot('moved'))
  symlinkSync(join(base, 'outside'), inRoot('folder'))
  tree.rename(at('folder/a'), at('folder/secret'))
  expect(tree.lstat(at('folder/secret'))?.type).toBe('file')
  expect(get(tree, at('moved/secret'))).toBe('a')
  expectOutsideUntouched()
})

test('a folder is not kept for long, even within a turn', () => {
  tree.makeDirectory(at('folder'), 0o755)
  put(tree, at('folder/a'), 'a')
  renameSync(inRoot('folder'), inRoot('moved'))
  const looks = Array.from({ length: 100 }, () => tree.lstat(at('folder/a')))
  expect(looks[0]?.type).toBe('file')
  expect(looks.at(-1)).toBeNull()
})

test('what was not there is seen once it is made', () => {
  expect(tree.lstat(at('later/a'))).toBeNull()
  tree.makeDirectory(at('later'), 0o755)
  put(tree, at('later/a'), 'a')
  expect(tree.lstat(at('later/a'))?.type).toBe('file')
  tree.rename(at('later'), at('other'))
  expect(tree.lstat(at('later/a'))).toBeNull()
  expect(tree.lstat(at('other/a'))?.type).toBe('file')
})

test('a folder swapped back and forth by another process never lets a write out', async () => {
  tree.makeDirectory(at('folder'), 0o755)
  const swapper = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'folder-swapper-program.ts'), base],
    {
      stdout: 'pipe',
    },
  )
  await swapper.stdout.getReader().read()
  let written = 0
  let refused = 0
  for (let index = 0; written < 200 || refused < 200; index++) {
    const path = at(`folder/file-${index}`)
    try {
      put(tree, path, 'x')
      written++
    } catch {
      refused++
    }
    tree.unlink(path)
  }
  swapper.kill('SIGKILL')
  await swapper.exited
  expectOutsideUntouched()
})

test('the last name is never followed either', () => {
  symlinkSync(join(base, 'outside/secret'), inRoot('link'))
  symlinkSync(join(base, 'outside/new'), inRoot('dangling'))
  tree.setMetadata(at('link'), 'symlink', metadata)
  expect(tree.lstat(at('link'))?.mtimeNs).toBe(1n)
  expect(codeOf(() => tree.copy(at('link'), at('copy')))).toBe('NOT_FOUND')
  expect(codeOf(() => tree.create(at('dangling')))).toBe('EXTRA_IN_THE_WAY')
  expect(codeOf(() => tree.copy(at('link'), at('dangling')))).toBe('NOT_FOUND')
  tree.unlink(at('link'))
  expectOutsideUntouched()
})

test('magic links of the kernel are not followed', () => {
  const proc = new ConfinedReadTree('/proc/self')
  expect(proc.open(at('root/etc/passwd'))).toBeNull()
  expect(proc.list(at('cwd'))).toBeNull()
  proc.close()
})

test('the root itself is neither removed nor renamed nor made', () => {
  const actions: readonly (() => unknown)[] = [
    () => tree.removeDirectory(ROOT),
    () => tree.unlink(ROOT),
    () => tree.rename(ROOT, at('x')),
    () => tree.makeDirectory(ROOT, 0o777),
  ]
  for (const action of actions) expect(codeOf(action)).toBe('IO_ERROR')
  expect(tree.list(ROOT)).toEqual([])
})

test('a socket is invisible to a reader and in the way of a writer', async () => {
  const server = createServer().listen(inRoot('socket'))
  await new Promise((resolve) => server.once('listening', resolve))
  const readers = [
    new ConfinedReadTree(join(base, 'root')),
    new PortableReadTree(join(base, 'root')),
  ]
  for (const reader of readers) {
    expect(reader.lstat(at('socket'))).toBeNull()
    expect(reader.open(at('socket'))).toBeNull()
    reader.close()
  }
  expect(codeOf(() => tree.lstat(at('socket')))).toBe('EXTRA_IN_THE_WAY')
  await new Promise((resolve) => server.close(resolve))
})

describe.each([
  ['confined', (path: string) => new ConfinedReadTree(path)],
  ['portable', (path: string) => new PortableReadTree(path)],
] as const)('a root, %s', (_name, open) => {
  test('that is missing or no folder cannot be opened', () => {
    expect(codeOf(() => open(join(base, 'none')))).toBe('ROOT_MISSING')
    expect(codeOf(() => open(join(base, 'outside/secret')))).toBe('ROOT_MISSING')
    expect(() => open(join(base, 'none'))).toThrow(
      `cannot open the folder "${join(base, 'none')}": it does not exist`,
    )
  })

  test('may be reached through a link', () => {
    symlinkSync('root', join(base, 'alias'))
    put(tree, at('a'), 'a')
    const reader = open(join(base, 'alias'))
    expect(get(reader, at('a'))).toBe('a')
    reader.close()
    rmSync(join(base, 'alias'))
  })

  test('that was replaced or taken away is told', () => {
    const reader = open(join(base, 'root'))
    reader.identity()
    renameSync(join(base, 'root'), join(base, 'old'))
    expect(codeOf(() => reader.identity())).toBe('ROOT_MISSING')
    mkdirSync(join(base, 'root'))
    expect(codeOf(() => reader.identity())).toBe('ROOT_CHANGED')
    reader.close()
  })

  test('that is a mount point says so', () => {
    const reader = open('/proc')
    expect(reader.identity().isMountPoint).toBe(true)
    reader.close()
    const plain = open(join(base, 'root'))
    expect(plain.identity().isMountPoint).toBe(false)
    plain.close()
  })

  test('and what it holds are told alike by both', () => {
    put(tree, at('a'), 'a')
    const [mine, other] = [open(join(base, 'root')), new ConfinedReadTree(join(base, 'root'))]
    expect(mine.lstat(at('a'))).toEqual(other.lstat(at('a')))
    expect(mine.identity()).toEqual(other.identity())
    mine.close()
    other.close()
  })
})

test('on Linux both trees are the confined ones', () => {
  const [reader, writer] = [openReadTree(join(base, 'root')), openTargetTree(join(base, 'root'))]
  expect(reader).toBeInstanceOf(ConfinedReadTree)
  expect(writer).toBeInstanceOf(ConfinedTargetTree)
  reader.close()
  writer.close()
})

const isHandle = (value: unknown): value is { close(): void } =>
  typeof value === 'object' && value !== null && 'close' in value

test('no descriptor is left open, whatever happened', () => {
  const count = (): number => readdirSync('/proc/self/fd').length
  put(tree, at('content'), 'content')
  tree.makeDirectory(at('folder'), 0o755)
  const before = count()
  for (const [, run] of ACTIONS) {
    for (const path of ['none/x', 'content/x', '../x', 'folder', 'content']) {
      codeOf(() => {
        const result = run(fromText(path) as RelPath)
        if (isHandle(result)) result.close()
      })
    }
  }
  expect(count()).toBe(before)
})

test('a closed tree is not used again', () => {
  tree.close()
  expect(() => tree.lstat(at('a'))).toThrow('is closed')
  tree.close()
})
