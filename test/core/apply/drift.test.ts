import { describe, expect, test } from 'bun:test'

import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, put } from '../../platform/tree.suite.ts'
import { MTIME, Target, file, folder, gone } from './harness.ts'

describe('what was changed on the target', () => {
  const edited = () => {
    const tree = new MemoryTree()
    const target = new Target({}, tree)
    target.deliver([folder(1, ''), file(2, 'a', 'one'), file(3, 'b', 'two')])
    tree.overwrite(at('a'), new TextEncoder().encode('own'))
    return { tree, target }
  }

  test('a newer version overwrites it', () => {
    const { target } = edited()
    target.deliver([file(4, 'a', 'new')])
    expect(target.look()).toEqual(['a new', 'b two'])
  })

  test('it is never a source of content', () => {
    const { target } = edited()
    const { wanted } = target.deliver([file(4, 'c', 'one', { from: 'a' }), gone(5, 'a')])
    expect(wanted).toEqual(['c'])
    expect(target.look()).toEqual(['b two', 'c one'])
  })

  test('a change in the middle of a set makes its consumer wait, not wrong', () => {
    const { tree, target } = edited()
    const result = target.deliver([file(4, 'c', 'two', { from: 'b' })], {
      beforeApply: () => tree.overwrite(at('b'), new TextEncoder().encode('now')),
    })
    expect(result.failed).toEqual(['c SOURCE_UNAVAILABLE'])
    expect(target.deliver([file(4, 'c', 'two', { from: 'b' })], { kind: 'retry' }).wanted).toEqual([
      'c',
    ])
    expect(target.look()).toEqual(['a own', 'b now', 'c two'])
    expect(target.index.pending()).toEqual([])
  })

  test('nor is one whose size and time were put back', () => {
    const { tree, target } = edited()
    tree.overwrite(at('b'), new TextEncoder().encode('own'))
    tree.setMetadata(at('b'), 'file', { mode: null, owner: null, mtimeNs: MTIME })
    expect(target.deliver([file(4, 'c', 'two', { from: 'b' })]).wanted).toEqual(['c'])
    expect(target.deliver([file(5, 'b', 'two')]).wanted).toEqual([])
    expect(target.look()).toEqual(['a own', 'b two', 'c two'])
  })

  test('a mere touch is put right without content', () => {
    const { tree, target } = edited()
    tree.setMetadata(at('b'), 'file', { mode: 0o777, owner: null, mtimeNs: 5n })
    expect(target.deliver([file(4, 'b', 'two')]).wanted).toEqual([])
    expect(tree.lstat(at('b'))).toMatchObject({ mode: 0o644, mtimeNs: MTIME })
  })

  test.each([4, 5])('what came to a free path in the middle of a set is not replaced', (seq) => {
    const { tree, target } = edited()
    const beforeApply = () => put(tree, at('c'), 'mine')
    const result = target.deliver([file(seq, 'c', 'two')], { beforeApply })
    expect([result.failed, result.held]).toEqual([[], ['c EXTRA_IN_THE_WAY']])
    expect(target.look()).toEqual(['a own', 'b two', 'c mine'])
    const again = target.deliver([file(seq, 'c', 'two')], { kind: 'retry' })
    expect([again.failed, again.held]).toEqual([[], ['c EXTRA_IN_THE_WAY']])
    tree.unlink(at('c'))
    target.deliver([file(seq, 'c', 'two')], { kind: 'retry' })
    expect(target.look()).toEqual(['a own', 'b two', 'c two'])
  })

  test('a folder that was lost is made again', () => {
    const target = new Target()
    target.deliver([folder(1, 'd', { mode: 0o750 }), folder(2, 'd/e')])
    target.tree.removeDirectory(at('d/e'))
    target.tree.removeDirectory(at('d'))
    expect(target.deliver([file(3, 'd/e/f', 'one')]).failed).toEqual([])
    expect(target.look()).toEqual(['d/', 'd/e/', 'd/e/f one'])
    expect(target.tree.lstat(at('d/e'))).toMatchObject({ mode: 0o755, mtimeNs: MTIME })
  })
})
