import { describe, expect, test } from 'bun:test'

import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, put } from '../../platform/tree.suite.ts'
import { Target, file, hashOf } from './harness.ts'

describe('content', () => {
  test('what is not what was announced is not placed', () => {
    const target = new Target()
    const result = target.deliver([file(1, 'a', 'one')], { tampered: true })
    expect(result.failed).toEqual(['a HASH_MISMATCH'])
    expect(target.look()).toEqual([])
  })

  test('a hash that comes late is kept, and finds the content next time', () => {
    const target = new Target()
    target.late.set(1, hashOf('one'))
    expect(target.deliver([file(1, 'a', 'one', { hash: null })]).wanted).toEqual(['a'])
    expect(target.look()).toEqual(['a one'])
    expect(target.deliver([file(2, 'b', 'one')]).wanted).toEqual([])
  })

  test('content without any hash is not placed', () => {
    const target = new Target()
    const result = target.deliver([file(1, 'a', 'one', { hash: null })])
    expect(result.failed).toEqual(['a HASH_MISMATCH'])
  })

  test('a late hash decides whether what lies there is equal', () => {
    const tree = new MemoryTree()
    put(tree, at('a'), 'one')
    put(tree, at('b'), 'own')
    const target = new Target({}, tree)
    target.late.set(1, hashOf('one')).set(2, hashOf('two'))
    const entries = [file(1, 'a', 'one', { hash: null }), file(2, 'b', 'two', { hash: null })]
    const inode = tree.lstat(at('a'))?.inode
    expect(target.deliver(entries).held).toEqual(['b EXTRA_IN_THE_WAY'])
    expect(target.look()).toEqual(['a one', 'b own'])
    expect(tree.lstat(at('a'))?.inode).toBe(inode ?? 0n)
  })

  test('skipped seqs count as applied and touch nothing', () => {
    const target = new Target()
    target.deliver([file(1, 'a', 'one')])
    const result = target.deliver([file(2, 'a', 'two')], { skipped: [2] })
    expect(target.look()).toEqual(['a one'])
    expect(result.outcome).toMatchObject({ failed: [], position: { watermark: { seq: 2 } } })
  })

  test('what the source cannot read is pending where it is not here', () => {
    const target = new Target()
    target.deliver([file(1, 'a', 'one')])
    const result = target.deliver([file(2, 'b', 'one'), file(3, 'c', 'three')], {
      unavailable: new Map([
        [2, 'NO_PERMISSION'],
        [3, 'NO_PERMISSION'],
      ]),
    })
    expect(result.failed).toEqual(['c NO_PERMISSION'])
    expect(target.look()).toEqual(['a one', 'b one'])
  })
})
