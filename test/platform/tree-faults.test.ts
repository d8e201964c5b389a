import { afterEach, beforeEach, expect, test } from 'bun:test'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfinedTargetTree } from '../../src/platform/confined-target-tree.ts'
import { describeMounting, mount, mountTmpfs } from './mounts.ts'
import { at, codeOf, get, put } from './tree.suite.ts'

describeMounting('a file system that fails', () => {
  let root = ''
  let mounted: string[] = []
  let tree: ConfinedTargetTree | null = null
  const mountAt = (folder: string, options: string): void => {
    mountTmpfs(folder, options)
    mounted.push(folder)
  }
  const open = (): ConfinedTargetTree => {
    tree = new ConfinedTargetTree(root)
    return tree
  }
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cd-fault-'))
  })
  afterEach(() => {
    tree?.close()
    for (const folder of mounted.toReversed()) mount('umount', folder)
    mounted = []
    rmSync(root, { recursive: true, force: true })
  })

  test('full: writing and copying say so, removing helps', () => {
    mountAt(root, 'size=256k')
    const target = open()
    put(target, at('half'), 'x'.repeat(150_000))
    const handle = target.create(at('more'))
    const bytes = new Uint8Array(64 << 10)
    expect(codeOf(() => [1, 2, 3, 4].forEach(() => handle.write(bytes)))).toBe('NO_SPACE')
    handle.close()
    target.unlink(at('more'))
    expect(codeOf(() => target.copy(at('half'), at('copy')))).toBe('NO_SPACE')
    expect(target.lstat(at('copy'))).toBeNull()
    const whole = new Uint8Array(150_000).fill(1)
    const metadata = { mode: 0o644, owner: null, mtimeNs: null }
    expect(codeOf(() => target.createWhole(at('whole'), whole, metadata))).toBe('NO_SPACE')
    expect(target.lstat(at('whole'))).toBeNull()
    target.unlink(at('half'))
    put(target, at('more'), 'x'.repeat(150_000))
  })

  test('without room for another name', () => {
    mountAt(root, 'nr_inodes=4')
    const target = open()
    expect(codeOf(() => ['a', 'b', 'c', 'd'].forEach((name) => put(target, at(name), '')))).toBe(
      'NO_SPACE',
    )
  })

  test('read-only: every change is refused, reading goes on', () => {
    mountAt(root, 'size=256k')
    const target = open()
    put(target, at('file'), 'x')
    target.makeDirectory(at('folder'), 0o755)
    mount('mount', '-o', 'remount,ro', root)
    const change = { mode: 0o600, owner: null, mtimeNs: 1n }
    const changes: readonly (() => unknown)[] = [
      () => target.create(at('new')),
      () => target.makeDirectory(at('new'), 0o755),
      () => target.unlink(at('file')),
      () => target.removeDirectory(at('folder')),
      () => target.rename(at('file'), at('new')),
      () => target.setMetadata(at('file'), 'file', change),
    ]
    for (const run of changes) expect(codeOf(run)).toBe('READ_ONLY')
    expect(get(target, at('file'))).toBe('x')
  })

  test('mounted over the root while it is open: the identity tells', () => {
    const target = open()
    const before = target.identity()
    expect(before.isMountPoint).toBe(false)
    mountAt(root, 'size=256k')
    expect(codeOf(() => target.identity())).toBe('ROOT_CHANGED')
    const above = new ConfinedTargetTree(root)
    expect(above.identity().isMountPoint).toBe(true)
    above.close()
    mount('umount', root)
    mounted = []
    expect(target.identity()).toEqual(before)
  })

  test('mounted within the root: it is read and written, never removed or renamed away', () => {
    mkdirSync(join(root, 'inner'))
    mountAt(join(root, 'inner'), 'size=256k')
    const target = open()
    put(target, at('inner/file'), 'x')
    expect(get(target, at('inner/file'))).toBe('x')
    expect(codeOf(() => target.rename(at('inner'), at('other')))).toBe('IO_ERROR')
    expect(codeOf(() => target.rename(at('inner/file'), at('file')))).toBe('IO_ERROR')
    expect(get(target, at('inner/file'))).toBe('x')
  })

  test('without rights: an ordinary user reads and changes its own, and nothing else', async () => {
    mkdirSync(join(root, 'locked'), { mode: 0o700 })
    mkdirSync(join(root, 'own'))
    writeFileSync(join(root, 'foreign'), 'x')
    for (const path of [root, join(root, 'own')]) chownSync(path, 65_534, 65_534)
    chmodSync(root, 0o755)
    const script = join(import.meta.dir, 'ordinary-user-program.ts')
    const child = Bun.spawn([process.execPath, script, root], {
      env: { HOME: root, TMPDIR: root },
      stderr: 'pipe',
    })
    const [said, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    expect(stderr).toBe('')
    expect(JSON.parse(said)).toEqual({
      user: 65_534,
      'give an own file an attribute': null,
      'give an own file an access list': null,
      'give an own file privileges': 'forbidden',
      'give a file of others an attribute': 'forbidden',
      'give a file of others an access list': 'forbidden',
      'look into another folder': 'NO_PERMISSION',
      'list another folder': 'NO_PERMISSION',
      'write in another folder': 'NO_PERMISSION',
      'remove from another folder': 'NO_PERMISSION',
      'give a file away': 'NO_PERMISSION',
      'read the attributes of an own file without rights': 'XATTRS_UNREADABLE',
      'read an own file without rights': 'NO_PERMISSION',
      'change the mode of an own file without rights': null,
      'change the times of an own file without rights': null,
    })
    const target = open()
    expect(target.lstat(at('own/file'))).toMatchObject({ mode: 0o640, mtimeNs: 5n, uid: 65_534 })
    expect(target.list(at('locked'))).toEqual([])
  })
})
