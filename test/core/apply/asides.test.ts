import { expect, test } from 'bun:test'

import { Crash, Fuse } from '../../fakes/fuse.ts'
import { MemoryDisk } from '../../fakes/memory-disk.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { MTIME, file } from './harness.ts'
import { Union } from './union.ts'

/** Sends what goes before another source's version until the process dies at its nth call; false where it does not. */
function diesAt(calls: number, keptPart: number): Union | null {
  const fuse = new Fuse()
  const disk = new MemoryDisk()
  const union = new Union(2, 'newest', new MemoryTree(disk, () => fuse.burn()))
  union.send(0, file(1, 'f', 'old', { mtimeNs: MTIME }))
  fuse.light(calls)
  if (!died(() => void union.send(1, file(1, 'f', 'newer', { mtimeNs: MTIME + 1n })))) return null
  fuse.putOut()
  disk.cutPower({ keptChanges: Math.ceil(disk.unsyncedChanges * keptPart), losesContent: true })
  for (const target of union.targets) target.restart()
  return union
}

test('what a set that never ended kept aside is gone at the end of a list that does not name it', () => {
  for (let calls = 0; ; calls++) {
    const fuse = new Fuse()
    const union = new Union(2, 'newest', new MemoryTree(new MemoryDisk(), () => fuse.burn()))
    union.send(
      0,
      file(1, 'f', 'newer', { mtimeNs: MTIME + 1n }),
      file(2, 'g', 'newer', { mtimeNs: MTIME + 1n }),
    )
    fuse.light(calls)
    const older = [file(1, 'f', 'old', { mtimeNs: MTIME }), file(2, 'g', 'old', { mtimeNs: MTIME })]
    const isDead = died(() => union.send(1, ...older))
    fuse.putOut()
    for (const target of union.targets) target.restart()
    // The source has removed it before it could say more.
    union.send(1, file(2, 'g', 'old', { mtimeNs: MTIME }))
    if (!isDead) return expect(calls).toBeGreaterThan(0)
    expect([union.look(), union.asides(), union.lost(1)]).toEqual([
      ['f newer', 'g newer'],
      ['g old'],
      ['g'],
    ])
  }
})

function died(act: () => void): boolean {
  try {
    act()
    return false
  } catch (thrown) {
    if (!(thrown instanceof Crash)) throw thrown
    return true
  }
}

test.each([0, 0.5, 1])('what is kept aside is whole after a power cut at any call', (keptPart) => {
  for (let calls = 0; ; calls++) {
    const union = diesAt(calls, keptPart)
    if (union === null) return expect(calls).toBeGreaterThan(0)
    expect(['f old', undefined]).toContain(union.asides()[0])
    union.send(1, file(1, 'f', 'newer', { mtimeNs: MTIME + 1n }))
    expect([union.look(), union.asides(), union.lost(0)]).toEqual([['f newer'], ['f old'], ['f']])
  }
})
