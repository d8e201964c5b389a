import { afterEach, beforeEach, describe, expect, test } from 'bun:test'

import type { ApplyOptions } from '../../../src/core/apply/options.ts'
import type { TargetTree } from '../../../src/core/apply/target-tree.ts'
import { finish } from '../../../src/core/base/working.ts'
import type { Entry } from '../../../src/core/change/entry.ts'
import { ROOT } from '../../../src/core/path/rel-path.ts'
import { at, get, put } from '../../platform/tree.suite.ts'
import { CASES } from './cases.ts'
import { MTIME, Target, file, folder, gone, symlink } from './harness.ts'

/** What the machine does on any tree that keeps to the contract. */
export function applySuite(
  name: string,
  make: () => { tree: TargetTree; dispose: () => void },
): void {
  describe(name, () => {
    let fixture: ReturnType<typeof make>
    const target = (options: Partial<ApplyOptions> = {}) => new Target(options, fixture.tree)
    beforeEach(() => {
      fixture = make()
    })
    afterEach(() => fixture.dispose())

    test.each(CASES)('$name', ({ before, change, after, wanted = [] }) => {
      const to = target()
      to.deliver(before)
      const result = to.deliver(change)
      expect(to.look()).toEqual([...after])
      expect(result.failed).toEqual([])
      expect(result.wanted).toEqual([...wanted])
    })

    test.each(CASES)('$name, sent a second time: nothing to do', ({ before, change, after }) => {
      const to = target()
      to.deliver(before)
      to.deliver(change)
      const looks = to.look()
      const { wanted } = to.deliver(change, { from: 0, to: change.at(-1)?.seq ?? 0 })
      expect(wanted).toEqual([])
      expect(to.look()).toEqual(looks)
      expect(looks).toEqual([...after])
    })

    test('mode with its special bits, and mtime to the nanosecond, of every type', () => {
      const to = target()
      to.deliver([
        folder(1, '', { mode: 0o750, mtimeNs: 5n }),
        folder(2, 'd', { mode: 0o1777, mtimeNs: 1n }),
        folder(3, 'd/sub', { mode: 0o2755, mtimeNs: 2n }),
        file(4, 'd/sub/f', 'x', { mode: 0o4711, mtimeNs: 3n }),
        symlink(5, 'd/l', 'x', { mtimeNs: 4n }),
      ])
      const looks = (path: string) => to.tree.lstat(at(path))
      expect(looks('')).toMatchObject({ mode: 0o750, mtimeNs: 5n })
      expect(looks('d')).toMatchObject({ mode: 0o1777, mtimeNs: 1n })
      expect(looks('d/sub')).toMatchObject({ mode: 0o2755, mtimeNs: 2n })
      expect(looks('d/sub/f')).toMatchObject({ mode: 0o4711, mtimeNs: 3n })
      expect(looks('d/l')).toMatchObject({ mtimeNs: 4n })
    })

    test('metadata alone is changed in place', () => {
      const to = target()
      to.deliver([file(1, 'a', 'one'), symlink(2, 'l', 'a')])
      const before = to.tree.lstat(at('a'))
      to.deliver([
        file(3, 'a', 'one', { mode: 0o600, mtimeNs: 7n }),
        symlink(4, 'l', 'a', { mtimeNs: 8n }),
      ])
      expect(to.tree.lstat(at('a'))).toMatchObject({
        mode: 0o600,
        mtimeNs: 7n,
        inode: before?.inode ?? 0n,
      })
      expect(to.tree.lstat(at('l'))?.mtimeNs).toBe(8n)
    })

    test('whatever happens in a folder, its mtime and that of the root stay what the source says', () => {
      const to = target()
      to.deliver([folder(1, ''), folder(2, 'd'), file(3, 'd/a', 'one'), folder(4, 'e')])
      to.deliver([file(5, 'e/b', 'one', { from: 'd/a' }), gone(6, 'd/a'), file(7, 'c', 'new')])
      expect(to.look()).toEqual(['c new', 'd/', 'e/', 'e/b one'])
      for (const path of ['', 'd', 'e']) expect(to.tree.lstat(at(path))?.mtimeNs).toBe(MTIME)
    })

    test('nothing is left of the staging folder, whether a set ends or is dropped', () => {
      const to = target()
      to.deliver([folder(1, ''), file(2, 'a', 'one')])
      const header = {
        epoch: 'epoch-1',
        kind: 'incremental',
        from: 2,
        to: 3,
        last: true,
        jobTo: 3,
      } as const
      const set = to.binding.begin(header, [file(3, 'b', 'two')])
      finish(set.survey())
      set.openFile(3).write(new Uint8Array(100))
      expect(to.tree.list(at('.cd-staging/b'))).toHaveLength(1)
      expect(to.tree.lstat(at('.cd-staging/b'))?.mode).toBe(0o700)
      set.discard()
      set.discard()
      expect(to.look()).toEqual(['a one'])
      expect(to.tree.lstat(ROOT)?.mtimeNs).toBe(MTIME)
      to.deliver([file(3, 'b', 'two')])
      expect(to.look()).toEqual(['a one', 'b two'])
    })

    test('a folder of 300 files moves in one call, and not where something foreign lies in it', () => {
      const to = target()
      const names = Array.from({ length: 300 }, (_, index) => `f${index}`)
      to.deliver([folder(1, 'd'), ...names.map((one, index) => file(2 + index, `d/${one}`, one))])
      const inode = to.tree.lstat(at('d'))?.inode
      const move = (seq: number, from: string, into: string): Entry[] => [
        folder(seq, into, { from }),
        ...names.map((one, index) =>
          file(seq + 1 + index, `${into}/${one}`, one, { from: `${from}/${one}` }),
        ),
        ...names.map((one, index) => gone(seq + 301 + index, `${from}/${one}`)),
        gone(seq + 601, from),
      ]
      expect(to.deliver(move(1000, 'd', 'x')).wanted).toEqual([])
      expect(to.tree.lstat(at('x'))?.inode).toBe(inode ?? 0n)
      put(to.tree, at('x/foreign'), 'mine')
      const result = to.deliver(move(2000, 'x', 'y'))
      expect(result.wanted).toEqual([])
      expect(result.failed).toEqual(['x FOLDER_NOT_EMPTY'])
      expect(get(to.tree, at('x/foreign'))).toBe('mine')
      expect(to.look()).toHaveLength(303)
    })
  })
}
