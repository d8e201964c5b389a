import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfinedTargetTree } from '../../src/platform/confined-target-tree.ts'
import { describeMounting, mount } from './mounts.ts'
import { at, get } from './tree.suite.ts'

const MIB = 1 << 20
/** The least that mkfs.xfs makes; hardly any of it is written. */
const IMAGE_BYTES = 300 * MIB

describeMounting('a file system whose files share blocks', () => {
  let folder: string
  let tree: ConfinedTargetTree
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cd-reflink-'))
    const [image, root] = [join(folder, 'image'), join(folder, 'root')]
    mkdirSync(root)
    writeFileSync(image, '')
    truncateSync(image, IMAGE_BYTES)
    mount('mkfs.xfs', '-q', '-m', 'reflink=1', image)
    mount('mount', '-o', 'loop', image, root)
    tree = new ConfinedTargetTree(root)
  })
  afterEach(() => {
    tree.close()
    mount('umount', join(folder, 'root'))
    rmSync(folder, { recursive: true, force: true })
  })

  const freeBytes = (): number => {
    tree.sync()
    const { bavail, bsize } = statfsSync(join(folder, 'root'))
    return bavail * bsize
  }

  test('what did not change in a file takes no more room, and is what it was', () => {
    const base = tree.create(at('base'))
    const block = new Uint8Array(MIB).fill(0x61)
    for (let count = 0; count < 64; count++) base.write(block)
    base.close()
    const free = freeBytes()
    const source = tree.open(at('base'))
    const handle = tree.create(at('file'))
    expect(source !== null && handle.share(source, 64 * MIB)).toBe(true)
    handle.keep(10 * MIB + 5)
    handle.write(new Uint8Array(1000).fill(0x62))
    handle.keep(54 * MIB - 1005)
    // Behind what was shared.
    handle.write(new Uint8Array(7).fill(0x63))
    handle.close()
    source?.close()
    expect(free - freeBytes()).toBeLessThan(2 * MIB)
    const expected = Buffer.alloc(64 * MIB + 7, 0x61)
    expected.fill(0x62, 10 * MIB + 5, 10 * MIB + 1005)
    expected.fill(0x63, 64 * MIB)
    const content = (name: string) => readFileSync(join(folder, 'root', name))
    expect(content('file').equals(expected)).toBe(true)
    expect(content('base').equals(Buffer.alloc(64 * MIB, 0x61))).toBe(true)
  })

  test('a shorter file shares as much as it has', () => {
    const base = tree.create(at('base'))
    base.write(new Uint8Array(MIB).fill(0x61))
    base.close()
    const source = tree.open(at('base'))
    const handle = tree.create(at('file'))
    expect(source !== null && handle.share(source, 5000)).toBe(true)
    handle.keep(5000)
    handle.close()
    source?.close()
    expect(get(tree, at('file'))).toBe('a'.repeat(5000))
  })
})
