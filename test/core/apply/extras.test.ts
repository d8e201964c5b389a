import { describe, expect, test } from 'bun:test'

import type { ApplyOptions } from '../../../src/core/apply/options.ts'
import { fromText } from '../../../src/core/base/byte-string.ts'
import type { Entry } from '../../../src/core/change/entry.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, put } from '../../platform/tree.suite.ts'
import { Target, file, folder, gone, symlink } from './harness.ts'

describe('what lies on the target and is not ours', () => {
  interface Extra {
    readonly name: string
    readonly options?: Partial<ApplyOptions>
    readonly local: (tree: MemoryTree) => void
    readonly entries: readonly Entry[]
    readonly after: readonly string[]
    readonly failed?: readonly string[]
    readonly held?: readonly string[]
    readonly wanted?: readonly string[]
  }
  const different = (tree: MemoryTree) => put(tree, at('a'), 'mine')
  const CASES: readonly Extra[] = [
    {
      name: 'equal content is adopted without being sent',
      local: (tree) => put(tree, at('a'), 'one'),
      entries: [file(1, 'a', 'one')],
      after: ['a one'],
    },
    {
      name: 'an equal link and an existing folder are adopted',
      local: (tree) => {
        tree.makeSymlink(at('l'), fromText('x'))
        tree.makeDirectory(at('d'), 0o700)
        put(tree, at('d/other'), 'mine')
      },
      entries: [symlink(1, 'l', 'x'), folder(2, 'd')],
      after: ['d/', 'd/other mine', 'l -> x'],
      held: ['d/other FIRST_CONTACT'],
    },
    {
      name: 'hold: different content waits for a person',
      local: different,
      entries: [file(1, 'a', 'one'), file(2, 'b', 'two')],
      after: ['a mine', 'b two'],
      held: ['a EXTRA_IN_THE_WAY'],
      wanted: ['b'],
    },
    {
      name: 'hold: what is not named waits as well, folders with all that is in them',
      local: (tree) => {
        tree.makeDirectory(at('lost+found'), 0o700)
        tree.makeDirectory(at('d'), 0o755)
        tree.makeDirectory(at('d/e'), 0o755)
        put(tree, at('d/e/f'), 'mine')
        put(tree, at('other'), 'mine')
      },
      entries: [file(1, 'a', 'one'), folder(2, 'd')],
      after: ['a one', 'd/', 'd/e/', 'd/e/f mine', 'lost+found/', 'other mine'],
      held: ['d/e FIRST_CONTACT', 'd/e/f FIRST_CONTACT', 'other FIRST_CONTACT'],
      wanted: ['a'],
    },
    {
      name: 'keep: what is not named is left alone',
      options: { deletes: 'keep' },
      local: (tree) => put(tree, at('other'), 'mine'),
      entries: [file(1, 'a', 'one')],
      after: ['a one', 'other mine'],
      wanted: ['a'],
    },
    {
      name: 'hold: another type in the way, and nothing is placed below it',
      local: (tree) => tree.makeSymlink(at('d'), fromText('elsewhere')),
      entries: [folder(1, 'd'), file(2, 'd/a', 'one')],
      after: ['d -> elsewhere'],
      held: ['d EXTRA_IN_THE_WAY', 'd/a EXTRA_IN_THE_WAY'],
      wanted: ['d/a'],
    },
    {
      name: 'adopt: different content is overwritten, the rest is left',
      options: { firstContact: 'adopt' },
      local: (tree) => {
        different(tree)
        put(tree, at('other'), 'mine')
      },
      entries: [file(1, 'a', 'one')],
      after: ['a one', 'other mine'],
      wanted: ['a'],
    },
    {
      name: 'adopt: a folder that holds something stays in the way',
      options: { firstContact: 'adopt' },
      local: (tree) => {
        tree.makeDirectory(at('a'), 0o755)
        put(tree, at('a/b'), 'mine')
      },
      entries: [file(1, 'a', 'one')],
      after: ['a/', 'a/b mine'],
      failed: ['a FOLDER_NOT_EMPTY'],
      wanted: ['a'],
    },
    {
      name: 'replace: everything that the source does not have goes',
      options: { firstContact: 'replace' },
      local: (tree) => {
        tree.makeDirectory(at('a'), 0o755)
        put(tree, at('a/b'), 'mine')
        tree.makeDirectory(at('d'), 0o755)
        put(tree, at('d/keep'), 'two')
        put(tree, at('d/other'), 'mine')
        tree.makeDirectory(at('e'), 0o755)
      },
      entries: [file(1, 'a', 'one'), folder(2, 'd'), file(3, 'd/keep', 'two')],
      after: ['a one', 'd/', 'd/keep two'],
      wanted: ['a'],
    },
    {
      name: 'hold: a folder in the way waits with what is in it',
      local: (tree) => {
        tree.makeDirectory(at('a'), 0o755)
        put(tree, at('a/b'), 'mine')
      },
      entries: [file(1, 'a', 'one')],
      after: ['a/', 'a/b mine'],
      held: ['a EXTRA_IN_THE_WAY', 'a/b FIRST_CONTACT'],
    },
    {
      name: 'a deletion of what was never ours does nothing',
      options: { firstContact: 'adopt' },
      local: different,
      entries: [gone(1, 'a')],
      after: ['a mine'],
    },
  ]
  test.each(CASES)('$name', ({ options, local, entries, after, ...rest }) => {
    const { failed = [], held = [], wanted = [] } = rest
    const tree = new MemoryTree()
    local(tree)
    const target = new Target(options, tree)
    const result = target.deliver(entries)
    expect(target.look()).toEqual([...after])
    expect(result.failed).toEqual([...failed])
    expect(result.held).toEqual([...held])
    expect(result.wanted).toEqual([...wanted])
    expect(result.outcome.position.pending).toHaveLength(failed.length)
  })

  test('replace leaves what the filter does not let through', () => {
    const tree = new MemoryTree()
    put(tree, at('cache'), 'mine')
    put(tree, at('other'), 'mine')
    const target = new Target({ firstContact: 'replace' }, tree)
    target.isVisible = (path) => path !== at('cache')
    target.deliver([file(1, 'a', 'one')])
    expect(target.look()).toEqual(['a one', 'cache mine'])
  })

  test('what is held is placed once the policy says so', () => {
    const tree = new MemoryTree()
    different(tree)
    const target = new Target({}, tree)
    const entry = file(1, 'a', 'one')
    target.deliver([entry])
    target.options = { ...target.options, firstContact: 'adopt' }
    target.restart()
    expect(target.deliver([entry], { kind: 'retry' }).failed).toEqual([])
    expect(target.look()).toEqual(['a one'])
    expect(target.index.pending()).toEqual([])
  })
})
