import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ByteString } from '../../src/core/base/byte-string.ts'
import { XATTR_BYTES_MAX } from '../../src/core/base/limits.ts'
import { ACCESS_LIST, INHERITED_LIST } from '../../src/core/change/attributes.ts'
import { ConfinedTargetTree } from '../../src/platform/confined-target-tree.ts'
import { describeWith } from '../e2e/rsync.ts'
import { accessList } from '../fakes/access-lists.ts'
import { describeMounting, mount } from './mounts.ts'
import { BINDS, at, put } from './tree.suite.ts'

const BOTH = { xattrs: true, acls: true }
const NONE = { xattrs: [], acls: { access: null, inherited: null } }
const LIST = accessList('u::rw-', 'u:1001:rw-', 'g::r--', 'm::rw-', 'o::---')
const value = (length: number) => 'v'.repeat(length) as ByteString

let folder: string
let tree: ConfinedTargetTree

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cd-attributes-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function open(path = folder): void {
  tree = new ConfinedTargetTree(path)
  put(tree, at('file'), 'x')
  tree.makeDirectory(at('folder'), 0o755)
}

function set(path: string, name: string, to: ByteString | null) {
  const handle = tree.openMetadata(at(path), tree.lstat(at(path))?.type ?? 'file')
  try {
    return handle.setAttribute(name as ByteString, to)
  } finally {
    handle.close()
  }
}

function run(...command: readonly string[]): string {
  const finished = Bun.spawnSync([...command], { cwd: folder, stderr: 'pipe' })
  if (finished.exitCode !== 0) throw new Error(`${command.join(' ')}: ${String(finished.stderr)}`)
  return finished.stdout.toString()
}

describeWith(['setfattr', 'getfattr', 'setfacl', 'getfacl'], 'the tools of the system', () => {
  beforeEach(() => open())
  afterEach(() => tree.close())

  test('see the attributes that were set here', () => {
    set('file', 'user.color', 'red' as ByteString)
    set('file', 'security.capability', BINDS)
    set('file', ACCESS_LIST, LIST)
    expect(run('getfattr', '--only-values', '-n', 'user.color', 'file')).toBe('red')
    expect(run('getfattr', '-m', 'security', '-e', 'hex', '-d', 'file')).toContain(
      'security.capability=0x0000000200040000000000000000000000000000',
    )
    expect(run('getfacl', '-cn', 'file').trim()).toBe(
      'user::rw-\nuser:1001:rw-\ngroup::r--\nmask::rw-\nother::---',
    )
  })

  test('set attributes that are read here', () => {
    run('setfattr', '-n', 'user.color', '-v', 'red', 'file')
    run('setfacl', '-m', 'u:1001:rw', '-m', 'g::r', '-m', 'o::-', 'file')
    run('setfacl', '-d', '-m', 'u:1001:rwx', 'folder')
    expect(tree.lstatClosely(at('file'), BOTH)?.attributes).toEqual({
      xattrs: [{ name: 'user.color' as ByteString, value: 'red' as ByteString }],
      acls: { access: LIST, inherited: null },
    })
    expect(tree.lstatClosely(at('folder'), BOTH)?.attributes).toEqual({
      xattrs: [],
      acls: {
        access: null,
        inherited: accessList('u::rwx', 'u:1001:rwx', 'g::r-x', 'm::rwx', 'o::r-x'),
      },
    })
  })
})

describeMounting('attributes on other file systems', () => {
  let root: string
  const mounted = (...options: readonly string[]): void => {
    root = join(folder, 'root')
    mkdirSync(root)
    mount('mount', ...options, root)
    open(root)
  }
  afterEach(() => {
    tree.close()
    mount('umount', root)
  })

  test('one without any: none are there, and what is set is refused', () => {
    mounted('-t', 'ramfs', 'ramfs')
    expect(tree.lstatClosely(at('file'), BOTH)?.attributes).toEqual(NONE)
    expect(set('file', 'user.a', value(1))).toBe('unsupported')
    expect(set('file', ACCESS_LIST, LIST)).toBe('unsupported')
    expect(set('folder', INHERITED_LIST, LIST)).toBe('unsupported')
    expect(set('file', 'user.a', null)).toBeNull()
  })

  test('more than travels is said of the path, and nothing of it is given', () => {
    mounted('-t', 'tmpfs', 'tmpfs')
    set('file', ACCESS_LIST, LIST)
    set('file', 'user.a', value(XATTR_BYTES_MAX / 2))
    set('file', 'user.b', value(XATTR_BYTES_MAX / 2 - 2 * 'user.a'.length))
    expect(tree.lstatClosely(at('file'), BOTH)?.attributes?.xattrs).toHaveLength(2)
    set('file', 'user.b', value(XATTR_BYTES_MAX / 2 - 2 * 'user.a'.length + 1))
    expect(tree.lstatClosely(at('file'), BOTH)?.attributes).toEqual({
      xattrs: 'XATTRS_TOO_LARGE',
      acls: { access: LIST, inherited: null },
    })
  })

  test('a block is all that ext4 has for them', () => {
    writeFileSync(join(folder, 'image'), '')
    truncateSync(join(folder, 'image'), 4 << 20)
    run('mkfs.ext4', '-q', '-b', '4096', 'image')
    mounted('-o', 'loop', join(folder, 'image'))
    expect(set('file', 'user.a', value(4000))).toBeNull()
    expect(set('file', 'user.b', value(4000))).toBe('noRoom')
    expect(tree.lstatClosely(at('file'), BOTH)?.attributes?.xattrs).toEqual([
      { name: 'user.a' as ByteString, value: value(4000) },
    ])
  })
})

describe('a link', () => {
  test('has attributes of its own, not those of what it points to', () => {
    open()
    tree.makeSymlink(at('link'), 'file' as ByteString)
    set('file', 'user.a', value(1))
    expect(tree.lstatClosely(at('link'), BOTH)).toMatchObject({
      type: 'symlink',
      linkTarget: 'file' as ByteString,
      attributes: NONE,
    })
    expect(set('link', 'user.a', value(1))).toBe('forbidden')
    tree.close()
  })
})
