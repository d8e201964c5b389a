import { expect, test } from 'bun:test'

import type { Entry } from '../../../src/core/change/entry.ts'
import { Crash, Fuse, FusedIndex } from '../../fakes/fuse.ts'
import { MemoryDisk, find } from '../../fakes/memory-disk.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, get } from '../../platform/tree.suite.ts'
import { Target, file, gone } from './harness.ts'

// A path that has something at its source all the time has something here at every moment, crash or not.

const BEFORE = [file(1, 'a', 'one'), file(2, 'b', 'two'), file(3, 'c', 'three')]
const CASES: readonly (readonly [string, readonly Entry[], readonly string[]])[] = [
  ['a copy is kept of a file that is saved', [file(4, '0', 'one'), file(5, 'a', 'new')], ['a']],
  [
    'two names are swapped',
    [file(4, 'a', 'two', { from: 'b' }), file(5, 'b', 'one', { from: 'a' })],
    ['a', 'b'],
  ],
  [
    'three names go round',
    [
      file(4, 'b', 'one', { from: 'a' }),
      file(5, 'c', 'two', { from: 'b' }),
      file(6, 'a', 'three', { from: 'c' }),
    ],
    ['a', 'b', 'c'],
  ],
  [
    'a chain whose end goes',
    [file(4, 'b', 'one', { from: 'a' }), file(5, 'c', 'two', { from: 'b' }), gone(6, 'a')],
    ['b', 'c'],
  ],
]

test.each(CASES)('%s', (_name, change, paths) => {
  const check = (tree: MemoryTree): void => {
    for (const path of paths)
      expect([path, find(tree.disk.world, at(path)) !== null]).toEqual([path, true])
  }
  for (let calls = 0; ; calls++) {
    const fuse = new Fuse()
    const tree: MemoryTree = new MemoryTree(new MemoryDisk(), () => {
      fuse.burn()
      if (isRunning) check(tree)
    })
    let isRunning = false
    const target = new Target({}, tree, new FusedIndex(fuse))
    target.deliver(BEFORE)
    isRunning = true
    fuse.light(calls)
    let isOver = false
    try {
      target.deliver(change)
      isOver = true
    } catch (thrown) {
      if (!(thrown instanceof Crash)) throw thrown
    }
    fuse.putOut()
    target.restart()
    check(tree)
    target.deliver(change)
    for (const { path, state } of change) {
      const row = target.index.get(path)
      expect(get(tree, path) === null).toBe(state === null)
      // Whatever was moved about, the index knows how it looks.
      if (row !== null) expect(row.stat.ctimeNs).toBe(tree.lstat(path)?.ctimeNs ?? 0n)
    }
    if (isOver) break
  }
})
