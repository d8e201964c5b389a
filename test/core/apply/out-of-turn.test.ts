import { describe, expect, test } from 'bun:test'

import { ROOT } from '../../../src/core/path/rel-path.ts'
import { codeOf } from '../../platform/tree.suite.ts'
import { Target, file, folder, gone } from './harness.ts'

describe('sets out of turn', () => {
  test('an older version is acknowledged and skipped', () => {
    const target = new Target()
    target.deliver([file(5, 'a', 'new')])
    const result = target.deliver([file(3, 'a', 'old')], { from: 0, to: 3 })
    expect(result.wanted).toEqual([])
    expect(result.outcome.position.watermark?.seq).toBe(5)
    expect(target.look()).toEqual(['a new'])
  })

  test('what was deleted does not come back with a late set', () => {
    const target = new Target()
    target.deliver([file(1, 'a', 'one')])
    target.deliver([gone(2, 'a')])
    target.deliver([file(1, 'a', 'one')], { from: 0, to: 1 })
    expect(target.look()).toEqual([])
  })

  test.each([
    ['a gap', { kind: 'incremental', from: 7, to: 9 }],
    ['another epoch', { kind: 'incremental', epoch: 'other', from: 1, to: 2 }],
    ['a retry of another epoch', { kind: 'retry', epoch: 'other', from: 1, to: 1 }],
    ['a list that goes on from nowhere', { kind: 'full', from: 3, to: 9 }],
    ['a set that goes back', { kind: 'incremental', from: 1, to: 0 }],
  ] as const)('%s is refused', (_name, delivery) => {
    const target = new Target()
    target.deliver([file(1, 'a', 'one')])
    expect(codeOf(() => target.deliver([], delivery))).toBe('PROTOCOL')
    target.deliver([file(2, 'a', 'two')])
    expect(target.look()).toEqual(['a two'])
  })

  test.each([
    ['the staging folder', file(2, '.cd-staging', 'x')],
    ['what is in it', file(2, '.cd-staging/n0', 'x')],
    ['the root as a file', file(2, '', 'x')],
    ['the root, deleted', gone(2, '')],
  ])('a hostile entry: %s', (_name, entry) => {
    const target = new Target()
    target.deliver([folder(1, '')])
    expect(target.deliver([entry]).failed).toHaveLength(1)
    expect(target.look()).toEqual([])
    expect(target.tree.lstat(ROOT)?.type).toBe('directory')
  })

  test('of two entries of one path the newer counts', () => {
    const target = new Target()
    expect(target.deliver([file(1, 'a', 'one'), file(2, 'a', 'two')]).wanted).toEqual(['a'])
    expect(target.look()).toEqual(['a two'])
  })

  test('something below what is a file is pending, not placed', () => {
    const target = new Target()
    const result = target.deliver([file(1, 'a', 'one'), file(2, 'a/b', 'two')])
    expect(result.failed).toEqual(['a/b EXTRA_IN_THE_WAY'])
    expect(target.look()).toEqual(['a one'])
  })
})
