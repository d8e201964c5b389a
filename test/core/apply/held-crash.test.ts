import { describe, expect, test } from 'bun:test'

import type { HoldDecision } from '../../../src/core/apply/index-store.ts'
import { Crash, Fuse, FusedIndex } from '../../fakes/fuse.ts'
import { MemoryDisk, type PowerCut } from '../../fakes/memory-disk.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, put } from '../../platform/tree.suite.ts'
import { Target, file, folder } from './harness.ts'

const LIST = [file(1, 'a', 'one'), folder(2, 'd'), file(3, 'd/a', 'two'), file(4, 'free', 'three')]
const BEFORE = ['a mine', 'd a file', 'free three', 'x/', 'x/y other']
const AFTER = ['a one', 'd/', 'd/a two', 'free three']

/** A target that holds what lies there, on a disk on which all of that is safe. */
function holding() {
  const fuse = new Fuse()
  const disk = new MemoryDisk()
  const tree = new MemoryTree(disk, () => fuse.burn())
  put(tree, at('a'), 'mine')
  put(tree, at('d'), 'a file')
  tree.makeDirectory(at('x'), 0o755)
  put(tree, at('x/y'), 'other')
  tree.sync()
  const target = new Target({}, tree, new FusedIndex(fuse))
  target.deliver(LIST)
  return { fuse, disk, target }
}

const retry = (target: Target) => target.deliver(LIST.slice(0, 3), { kind: 'retry' })

const CUTS: readonly (readonly [string, ((unsynced: number) => PowerCut) | null])[] = [
  ['killed', null],
  ['power cut, nothing unsynced is kept', () => ({ keptChanges: 0, losesContent: true })],
  ['power cut, half is kept', (all) => ({ keptChanges: all >> 1, losesContent: true })],
]

describe.each(CUTS)('%s at every call', (_name, cut) => {
  /** Says a word and sends what follows from it, until the process dies at its nth call; then starts it again. */
  const crashes = (decision: HoldDecision, then: (target: Target) => void): void => {
    for (let calls = 0; ; calls++) {
      const { fuse, disk, target } = holding()
      let hasDied = false
      fuse.light(calls)
      try {
        target.answer(decision)
        retry(target)
      } catch (thrown) {
        if (!(thrown instanceof Crash)) throw thrown
        hasDied = true
      }
      fuse.putOut()
      if (!hasDied) return expect(calls).toBeGreaterThan(5)
      if (cut !== null) disk.cutPower(cut(disk.unsyncedChanges))
      target.restart()
      then(target)
    }
  }

  test('yes: either it is asked still and all lies there, or it goes on', () => {
    crashes('release', (target) => {
      if (target.hold === null) return
      expect(target.look()).toEqual(BEFORE)
      expect(target.answer('release')).toBe('done')
    })
    crashes('release', (target) => {
      if (target.hold !== null) target.answer('release')
      retry(target)
      // What was placed and not yet known of is settled by the same entries, and asks nobody again.
      expect([target.hold, target.look()]).toEqual([null, AFTER])
      expect(target.index.pending()).toEqual([])
    })
  })

  test('no: all lies there, whatever happens', () => {
    crashes('keep', (target) => {
      expect(target.look()).toEqual(BEFORE)
      if (target.hold !== null) expect(target.answer('keep')).toBe('done')
      retry(target)
      expect([target.hold, target.look()]).toEqual([null, BEFORE])
    })
  })
})
