import { describe, expect, test } from 'bun:test'

import type { ApplyOptions } from '../../../src/core/apply/options.ts'
import { MemoryHolding } from '../../fakes/memory-holding.ts'
import { MemoryIndex } from '../../fakes/memory-index.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, codeOf } from '../../platform/tree.suite.ts'
import { EPOCH, Target, file, folder, gone } from './harness.ts'

describe('what is withheld at the source', () => {
  test.each(['held', 'kept'] as const)('stays as it is: %s', (operation) => {
    const target = new Target()
    target.deliver([folder(1, 'd'), file(2, 'd/a', 'one'), file(3, 'b', 'two')])
    const withheld = [gone(4, 'd/a', operation), gone(5, 'd', operation), gone(6, 'c', operation)]
    expect(target.deliver(withheld).failed).toEqual([])
    expect(target.look()).toEqual(['b two', 'd/', 'd/a one'])
    // A full list names it, so that its end takes nothing for gone.
    const full = { kind: 'full', epoch: 'epoch-2', to: 7 } as const
    const options = { ...target.options, firstContact: 'replace' as const }
    const again = new Target(options, target.tree, target.index)
    again.deliver([...withheld, file(7, 'b', 'two')], full)
    expect(again.look()).toEqual(['b two', 'd/', 'd/a one'])
    // It is still this source's: what it says later counts.
    again.deliver([gone(8, 'd/a'), gone(9, 'd')], { epoch: 'epoch-2' })
    expect(again.look()).toEqual(['b two'])
  })
})

test('what a source said of what it does not send is told to whoever is served from here', () => {
  const index = new MemoryIndex()
  const target = new Target({}, new MemoryTree(), index)
  target.deliver([file(1, 'stays', 'one'), file(2, 'gone', 'two')])
  const operations = ['held', 'kept', 'excluded', 'delete'] as const
  const unknown = operations.map((operation, at) => gone(4 + at, operation, operation))
  target.deliver([gone(3, 'stays', 'held'), ...unknown, gone(8, 'gone')])
  const rows = new MemoryHolding(index).rows({ after: 0, upTo: 8, limit: 9, liveOnly: false })
  const said = rows?.map((one) =>
    one.kind === 'absent' ? `${one.path} ${one.operation}` : one.kind,
  )
  const each = operations.map((operation) => `${operation} ${operation}`)
  expect(said).toEqual(['stays held', ...each, 'gone delete'])
})

describe('full lists', () => {
  const listed = (options: Partial<ApplyOptions> = {}) => {
    const target = new Target(options)
    target.deliver([folder(1, 'd'), file(2, 'd/a', 'one'), file(3, 'b', 'two')])
    return target
  }
  const again = { epoch: 'epoch-2' }

  test('the watermark moves with the last set only, and a list that was broken off begins anew', () => {
    const target = new Target()
    const first = target.deliver([file(1, 'a', 'one')], { kind: 'full', to: 1, last: false })
    expect(first.outcome.position).toMatchObject({
      watermark: null,
      listed: { epoch: EPOCH, seq: 1 },
    })
    target.restart()
    expect(codeOf(() => target.deliver([], { kind: 'full', from: 1, to: 2 }))).toBe('PROTOCOL')
    const second = target.deliver([file(1, 'a', 'one')], { kind: 'full', to: 1, last: false })
    expect(second.wanted).toEqual([])
    target.deliver([file(2, 'b', 'two')], { kind: 'full', from: 1, to: 2 })
    expect(target.binding.position()).toMatchObject({
      watermark: { epoch: EPOCH, seq: 2 },
      listed: null,
    })
    expect(target.look()).toEqual(['a one', 'b two'])
  })

  test.each([
    ['hold', ['b two', 'd/', 'd/a one'], ['d FIRST_CONTACT', 'd/a FIRST_CONTACT']],
    ['adopt', ['b two', 'd/', 'd/a one'], []],
    ['replace', ['b two'], []],
  ] as const)('%s: what a new list does not name', (firstContact, after, held) => {
    const target = listed({ firstContact })
    const result = target.deliver([file(1, 'b', 'two')], again)
    expect(result.wanted).toEqual([])
    expect(target.look()).toEqual([...after])
    expect([result.failed, result.held]).toEqual([[], [...held]])
  })

  test('keep: what a new list does not name stays, and nothing is pending', () => {
    const target = listed({ deletes: 'keep' })
    expect(target.deliver([file(1, 'b', 'two')], again).failed).toEqual([])
    expect(target.look()).toEqual(['b two', 'd/', 'd/a one'])
  })

  test.each([
    ['adopt', ['b two', 'd/', 'd/a one']],
    ['replace', ['b two']],
  ] as const)('what is held is settled once the policy says %s', (firstContact, after) => {
    const target = listed()
    target.deliver([file(1, 'b', 'two')], again)
    target.options = { ...target.options, firstContact }
    target.restart()
    target.deliver([], { ...again, to: 5 })
    expect(target.look()).toEqual([...after])
    expect(target.index.pending()).toEqual([])
    expect(target.index.get(at('d'))).toBeNull()
  })

  test('what is held and comes back to life is ours as before', () => {
    const target = listed()
    target.deliver([file(1, 'b', 'two')], again)
    target.deliver([folder(2, 'd'), file(3, 'd/a', 'new')], again)
    expect(target.look()).toEqual(['b two', 'd/', 'd/a new'])
    expect(target.index.pending()).toEqual([])
  })

  test('named in an earlier set of the list, skipped or failed, is not left over', () => {
    const target = listed({ firstContact: 'replace' })
    target.deliver([folder(1, 'd'), file(2, 'd/a', 'new')], {
      ...again,
      to: 2,
      last: false,
      skipped: [2],
    })
    target.deliver([file(3, 'b', 'x')], {
      ...again,
      kind: 'full',
      from: 2,
      tampered: true,
      last: false,
    })
    target.deliver([], { ...again, kind: 'full', from: 3, to: 9 })
    expect(target.look()).toEqual(['b two', 'd/', 'd/a one'])
  })

  test('what left after an earlier list of the epoch named it goes without a word', () => {
    const target = new Target()
    const list = { kind: 'full', last: false } as const
    target.deliver([file(1, 'a', 'one'), file(2, 'b', 'two')], { ...list, to: 2, jobTo: 3 })
    target.restart()
    // The earliest counts: what that list named is as old.
    const again = target.deliver([file(1, 'a', 'one')], { ...list, to: 1, jobTo: 4 })
    expect(again.outcome.position.listed).toEqual({ epoch: EPOCH, seq: 3 })
    target.restart()
    const ended = target.deliver([file(1, 'a', 'one'), gone(4, 'b')], { kind: 'full', to: 4 })
    expect([ended.held, target.look()]).toEqual([[], ['a one']])
  })

  test('a list that is older than what is here says nothing of that', () => {
    const target = new Target({ firstContact: 'replace' })
    const list = { kind: 'full', last: false } as const
    target.deliver([file(1, 'a', 'one'), file(9, 'b', 'two')], { ...list, to: 9 })
    target.restart()
    target.deliver([file(1, 'a', 'one')], { kind: 'full', to: 5 })
    expect(target.look()).toEqual(['a one', 'b two'])
    target.deliver([gone(10, 'b')])
    expect(target.look()).toEqual(['a one'])
  })

  test('what an earlier set of the list could not place is still awaited at its end, also where one before had claimed it', () => {
    const target = new Target()
    target.index.claim([at('a')])
    target.restart()
    const list = { kind: 'full', last: false } as const
    target.deliver([file(1, 'a', 'one')], { ...list, to: 1, tampered: true })
    target.deliver([file(2, 'b', 'two')], { kind: 'full', from: 1, to: 2 })
    expect(target.index.pending()).toMatchObject([{ path: 'a', seq: 1 }])
    target.deliver([file(1, 'a', 'one')], { kind: 'retry', from: 2, to: 2 })
    expect(target.look()).toEqual(['a one', 'b two'])
    expect([target.index.pending(), target.index.claims().size]).toEqual([[], 0])
  })

  test('a pending entry that a new list does not name ends with it', () => {
    const target = new Target()
    target.deliver([file(1, 'a', 'one')], { tampered: true })
    expect(target.index.pending()).toHaveLength(1)
    target.deliver([file(1, 'b', 'two')], again)
    expect(target.index.pending()).toEqual([])
  })
})
