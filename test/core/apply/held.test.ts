import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { IndexStore } from '../../../src/core/apply/index-store.ts'
import type { ApplyOptions } from '../../../src/core/apply/options.ts'
import type { Entry } from '../../../src/core/change/entry.ts'
import { IndexFile } from '../../../src/store/index-file.ts'
import { MemoryIndex } from '../../fakes/memory-index.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, put } from '../../platform/tree.suite.ts'
import { Target, file, folder, gone } from './harness.ts'

/** What the source has: a file that another lies in place of, a folder likewise, and something below it. */
const LIST = [file(1, 'a', 'one'), folder(2, 'd'), file(3, 'd/a', 'two'), file(4, 'free', 'three')]

function strangers(): MemoryTree {
  const tree = new MemoryTree()
  put(tree, at('a'), 'mine')
  put(tree, at('d'), 'a file')
  tree.makeDirectory(at('x'), 0o755)
  put(tree, at('x/y'), 'other')
  return tree
}

const BEFORE = ['a mine', 'd a file', 'free three', 'x/', 'x/y other']
const AFTER = ['a one', 'd/', 'd/a two', 'free three']

function heldSuite(name: string, makeIndex: () => { index: IndexStore; dispose: () => void }) {
  describe(name, () => {
    const held = (options: Partial<ApplyOptions> = {}, run: (target: Target) => void) => {
      const { index, dispose } = makeIndex()
      try {
        const target = new Target(options, strangers(), index)
        target.nowMs = 1000
        target.deliver(LIST)
        run(target)
      } finally {
        dispose()
      }
    }
    const change = (target: Target, path: string) => {
      target.tree.unlink(at(path))
      put(target.tree, at(path), 'changed since')
    }
    const retry = (target: Target, entries: readonly Entry[] = LIST.slice(0, 3)) =>
      target.deliver(entries, { kind: 'retry' })

    test('what would go is told, all else is there, and nothing is pending', () => {
      held({}, (target) => {
        expect(target.look()).toEqual(BEFORE)
        const { hold, pending, held: waiting } = target.binding.position()
        expect(hold).toMatchObject({ from: 0, to: 3, deletes: 1, updates: 2, bytes: 15 })
        expect(hold?.sample as readonly string[]).toEqual(['a', 'd', 'x/y'])
        expect([hold?.sinceMs, pending.length]).toEqual([1000, 0])
        expect(waiting.map(({ path }) => path as string)).toEqual(['x', 'x/y', 'a', 'd', 'd/a'])
      })
    })

    test('yes: exactly what was shown goes with the next set, and the answer survives a crash', () => {
      held({}, (target) => {
        expect(target.answer('release')).toBe('done')
        expect(target.hold).toBeNull()
        expect(target.binding.position().pending).toHaveLength(5)
        target.restart()
        expect(retry(target)).toMatchObject({ failed: [], held: [] })
        expect(target.look()).toEqual(AFTER)
        expect(target.index.pending()).toEqual([])
      })
    })

    test('no: all that lies there stays for good, counted, also through the next full list', () => {
      held({}, (target) => {
        expect(target.answer('keep')).toBe('done')
        target.restart()
        const newer = [file(5, 'a', 'newer'), ...LIST.slice(1)]
        const result = target.deliver(newer, { kind: 'full', epoch: 'epoch-2' })
        expect(result).toMatchObject({ failed: [], held: [] })
        expect(target.look()).toEqual(BEFORE)
        const { hold, pending, notes } = target.binding.position()
        expect([hold, pending, notes.counts]).toEqual([null, [], [{ code: 'KEPT', count: 5 }]])
      })
    })

    test('what a person keeps gives way once the policy says so', () => {
      held({}, (target) => {
        target.answer('keep')
        target.options = { ...target.options, firstContact: 'replace' }
        target.restart()
        expect(target.binding.position().pending).toHaveLength(5)
        expect(retry(target).failed).toEqual([])
        expect(target.look()).toEqual(AFTER)
      })
    })

    test('an answer to something else is none', () => {
      held({}, (target) => {
        expect(target.answer('release', 'another')).toBe('changed')
        const shown = target.hold?.fingerprint
        change(target, 'x/y')
        expect(target.answer('release', shown)).toBe('changed')
        expect(target.hold).toMatchObject({ deletes: 1, bytes: 23 })
        expect(target.answer('release')).toBe('done')
        expect(target.answer('release')).toBe('unknown')
      })
    })

    test.each(['a', 'x/y'])('what changes after the answer is asked about again: %s', (path) => {
      held({}, (target) => {
        target.answer('release')
        change(target, path)
        expect(retry(target).held).toEqual([
          expect.stringContaining(`${path} `),
        ] as unknown as string[])
        expect(target.look()).toContain(`${path} changed since`)
        expect(target.answer('release')).toBe('done')
        retry(target)
        expect(target.look()).toEqual(AFTER)
      })
    })

    test('what comes into a folder after the answer does not go with it', () => {
      held({}, (target) => {
        target.answer('release')
        put(target.tree, at('x/new'), 'unseen')
        retry(target)
        expect(target.look()).toEqual([...AFTER, 'x/', 'x/new unseen'])
      })
    })

    test('an answer in the middle of a set counts', () => {
      held({}, (target) => {
        const set = { beforeApply: () => expect(target.answer('release')).toBe('done') }
        target.deliver([file(9, 'a', 'newer')], set)
        expect(target.hold).toBeNull()
        expect(retry(target, [file(9, 'a', 'newer'), ...LIST.slice(1)]).failed).toEqual([])
        expect(target.look()).toEqual(['a newer', ...AFTER.slice(1)])
      })
    })

    test('what is taken away on the host is no question any more', () => {
      held({}, (target) => {
        for (const path of ['a', 'd', 'x/y']) target.tree.unlink(at(path))
        target.tree.removeDirectory(at('x'))
        expect(target.lookAgain()).toBe(true)
        expect(target.hold).toBeNull()
        expect(target.binding.position().pending.map(({ seq }) => seq)).toEqual([1, 2, 3])
        retry(target)
        expect(target.look()).toEqual(AFTER)
        expect(target.lookAgain()).toBe(false)
      })
    })

    test('what its source names no longer is held with how it looks, and goes on a word', () => {
      held({ firstContact: 'replace' }, (target) => {
        target.options = { ...target.options, firstContact: 'hold' }
        target.restart()
        const list = { kind: 'full', epoch: 'epoch-2', to: 9 } as const
        target.deliver([file(9, 'free', 'three')], list)
        expect(target.hold).toMatchObject({ deletes: 2, updates: 0, bytes: 6 })
        expect(target.answer('release')).toBe('done')
        target.deliver([], { kind: 'retry', epoch: 'epoch-2', to: 9 })
        expect(target.look()).toEqual(['free three'])
        expect(target.index.pending()).toEqual([])
      })
    })

    test('what is kept of that is its source’s again when it comes back', () => {
      held({ firstContact: 'replace' }, (target) => {
        target.options = { ...target.options, firstContact: 'hold' }
        target.restart()
        target.deliver([file(9, 'free', 'three')], { kind: 'full', epoch: 'epoch-2', to: 9 })
        target.answer('keep')
        target.deliver([file(10, 'a', 'back')], { epoch: 'epoch-2' })
        expect(target.look()).toEqual(['a back', 'd/', 'd/a two', 'free three'])
      })
    })

    test('what is deleted at the source before the answer is left', () => {
      held({}, (target) => {
        target.deliver([gone(9, 'a')])
        expect(target.look()).toEqual(BEFORE)
        expect(target.hold).toMatchObject({ updates: 1 })
      })
    })

    test('a policy that keeps what is deleted asks about nothing that would be', () => {
      held({}, (target) => {
        target.options = { ...target.options, deletes: 'keep' }
        target.restart()
        expect(target.hold).toMatchObject({ deletes: 0, updates: 2 })
        retry(target)
        expect(target.look()).toEqual(BEFORE)
      })
    })
  })
}

heldSuite('what is held, with the index in memory', () => {
  return { index: new MemoryIndex(), dispose: () => undefined }
})
heldSuite('what is held, with the index in a file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cd-held-'))
  const index = IndexFile.open(join(directory, 'index.db'))
  const dispose = () => {
    index.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return { index: index.binding('b'), dispose }
})
