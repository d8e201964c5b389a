import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

import { fromText } from '../../src/core/base/byte-string.ts'
import { ConfinedTargetTree } from '../../src/platform/confined-target-tree.ts'
import { type Linux, linux } from '../../src/platform/libc.ts'
import type { SystemCallName } from '../../src/platform/linux-numbers.ts'
import { at, codeOf, get, put } from './tree.suite.ts'

// What a tree does on kernels and file systems that cannot do everything.

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cd-kernels-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** The kernel of this host as if it had never heard of some calls: no kernel has number 9999. */
const without = (...names: readonly SystemCallName[]): Linux => ({
  ...linux(),
  numbers: { ...linux().numbers, ...Object.fromEntries(names.map((name) => [name, 9999])) },
})

test.each(['openat2', 'utimensat'] as const)('a kernel without %s is not written on', (name) => {
  const open = (): unknown => new ConfinedTargetTree(root, without(name))
  expect(codeOf(open)).toBe('PLATFORM_UNSUPPORTED')
})

test('an older kernel changes modes and copies in other ways', () => {
  const old = without('fchmodat2', 'copy_file_range', 'ioctl')
  const older = new ConfinedTargetTree(root, old)
  const content = 'content '.repeat(400_000)
  put(older, at('file'), content)
  for (const mode of [0o640, 0o4755]) {
    older.setMetadata(at('file'), 'file', { mode, owner: null, mtimeNs: null })
    expect(older.lstat(at('file'))?.mode).toBe(mode)
  }
  older.copy(at('file'), at('copy'))
  expect(readFileSync(join(root, 'copy'), 'utf8')).toBe(content)
  older.close()
})

/** The kernel of this host, but for the calls that fail with this error. */
function failing(
  error: 'EINVAL' | 'EPERM' | 'EMLINK' | 'EXDEV' | 'ENOSYS',
  fails: (args: Parameters<Linux['call']>) => boolean,
) {
  const real = linux()
  let errno: number | null = null
  const call: Linux['call'] = (...args) => {
    errno = fails(args) ? constants.errno[error] : null
    return errno === null ? real.call(...args) : -1
  }
  return { ...real, call, errno: () => errno ?? real.errno() }
}

test('a file system without further names says so', () => {
  const { linkat } = linux().numbers
  for (const error of ['EPERM', 'EMLINK', 'EXDEV', 'ENOSYS'] as const) {
    const kernel = failing(error, ([number]) => number === linkat)
    const other = new ConfinedTargetTree(root, kernel)
    put(other, at(error), 'x')
    expect(other.link(at(error), at(`other ${error}`))).toBe(false)
    other.close()
  }
})

test('a file system without links and fifos says so', () => {
  const { symlinkat, mknodat } = linux().numbers
  const kernel = failing('EPERM', ([number]) => number === symlinkat || number === mknodat)
  const other = new ConfinedTargetTree(root, kernel)
  expect(codeOf(() => other.makeSymlink(at('link'), fromText('x')))).toBe('TYPE_UNSUPPORTED')
  expect(codeOf(() => other.makeFifo(at('fifo'), 0o600))).toBe('TYPE_UNSUPPORTED')
  expect(codeOf(() => other.makeFifo(at('none/fifo'), 0o600))).toBe('NOT_FOUND')
  other.close()
})

test('a file system that cannot refuse to replace is asked first', () => {
  const { renameat2 } = linux().numbers
  const kernel = failing('EINVAL', (args) => args[0] === renameat2 && args[5] !== 0)
  const other = new ConfinedTargetTree(root, kernel)
  for (const name of ['one', 'two']) put(other, at(name), name)
  expect(codeOf(() => other.place(at('one'), at('two')))).toBe('EXTRA_IN_THE_WAY')
  expect(get(other, at('two'))).toBe('two')
  other.place(at('one'), at('three'))
  expect(get(other, at('three'))).toBe('one')
  other.close()
})
