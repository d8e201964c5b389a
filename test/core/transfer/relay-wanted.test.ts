import { expect, test } from 'bun:test'

import { WantedTurns } from '../../../src/core/transfer/relay-wanted.ts'

const child = {}

test('own answers belong to the sets in their order, however many have begun', () => {
  const turns = new WantedTurns()
  const [first, second] = [turns.begin([child]), turns.begin([child])]
  turns.takeOwn([false], [])
  turns.takeOwn([true, false], [])
  first.take(child, [false])
  second.take(child, [false, true])
  expect([...turns.ready()].map(({ wanted }) => wanted)).toEqual([[false], [true, true]])
})

test('an answer waits for the children, and for those of the sets before', () => {
  const turns = new WantedTurns()
  const [first, second] = [turns.begin([child]), turns.begin([child])]
  second.take(child, [true])
  turns.takeOwn([false], [])
  turns.takeOwn([false], [])
  expect([...turns.ready()]).toEqual([])
  first.take(child, [true])
  expect([...turns.ready()]).toHaveLength(2)
})
