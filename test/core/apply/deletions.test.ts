import { describe, expect, test } from 'bun:test'

import { at, put } from '../../platform/tree.suite.ts'
import { Target, file, folder, gone } from './harness.ts'

describe('deletions', () => {
  test('a folder with something foreign stays, pending, and goes when that has gone', () => {
    const target = new Target()
    target.deliver([folder(1, 'd'), file(2, 'd/a', 'one')])
    put(target.tree, at('d/foreign'), 'mine')
    expect(target.deliver([gone(3, 'd/a'), gone(4, 'd')]).failed).toEqual(['d FOLDER_NOT_EMPTY'])
    expect(target.look()).toEqual(['d/', 'd/foreign mine'])
    target.deliver([file(5, 'z', 'x')])
    expect(target.index.pending()).toMatchObject([{ seq: 4, code: 'FOLDER_NOT_EMPTY' }])
    target.tree.unlink(at('d/foreign'))
    target.deliver([file(6, 'z', 'y')])
    expect(target.look()).toEqual(['z y'])
    expect(target.index.pending()).toEqual([])
  })

  test('a folder that was made before its own entry came goes like any other', () => {
    const target = new Target()
    target.deliver([file(5, 'd/e/f', 'one')])
    target.deliver([gone(6, 'd/e/f'), gone(7, 'd/e'), gone(8, 'd')])
    expect(target.look()).toEqual([])
  })

  test('keep: what the source deleted stays, and is still ours', () => {
    const target = new Target({ deletes: 'keep' })
    target.deliver([file(1, 'a', 'one')])
    target.deliver([gone(2, 'a')])
    expect(target.look()).toEqual(['a one'])
    expect(target.deliver([file(3, 'a', 'two')]).failed).toEqual([])
    expect(target.look()).toEqual(['a two'])
  })

  test('keep: a rename leaves the old name', () => {
    const target = new Target({ deletes: 'keep' })
    target.deliver([file(1, 'a', 'one')])
    expect(target.deliver([file(2, 'b', 'one', { from: 'a' }), gone(3, 'a')]).wanted).toEqual([])
    expect(target.look()).toEqual(['a one', 'b one'])
  })

  test.each([
    ['stays, and is no longer ours', false, ['a one']],
    ['goes where the policy wants that', true, []],
  ])('what is newly excluded %s', (_name, deleteExcluded, after) => {
    const target = new Target({ deleteExcluded })
    target.deliver([file(1, 'a', 'one')])
    target.deliver([gone(2, 'a', 'excluded')])
    expect(target.look()).toEqual(after)
    expect(target.index.get(at('a'))).toBeNull()
    target.deliver([gone(3, 'a')])
    expect(target.look()).toEqual(after)
  })
})
