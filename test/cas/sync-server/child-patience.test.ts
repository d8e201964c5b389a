import { expect, test } from 'bun:test'

import {
  type ChildMoment,
  ChildPatience,
} from '../../../src/cas/sync-server/relay/child-patience.ts'
import { RELAY_TIMES } from '../../../src/cas/sync-server/relay/options.ts'

const TIMES = { ...RELAY_TIMES, lookMs: 100, answerMs: 1000, holdMs: 500, tailMs: 3000 }
type Kind = Omit<ChildMoment, 'nowMs'>
const ANSWER: Kind = { owes: 'answer', isHeld: false }
const END: Kind = { owes: 'end', isHeld: false }
const HELD: Kind = { owes: 'nothing', isHeld: true }

/** Looks every 100 ms; gives when the child was dropped, null where it was not within ten seconds. */
function droppedAtMs(kind: Kind, order: { height?: number; movesEveryMs?: number } = {}) {
  const patience = new ChildPatience(TIMES, { height: order.height ?? 0, nowMs: 0 })
  for (let nowMs = 100; nowMs <= 10_000; nowMs += 100) {
    if (order.movesEveryMs !== undefined && nowMs % order.movesEveryMs === 0) patience.moved()
    if (patience.judge({ nowMs, ...kind }) !== null) return nowMs
  }
  return null
}

test.each<[string, [Kind, object], number | null]>([
  ['owes an answer', [ANSWER, {}], 1100],
  ['owes an answer, with hops below it', [ANSWER, { height: 3 }], 1100],
  ['owes an answer and gives signs of life', [ANSWER, { movesEveryMs: 900 }], null],
  ['owes only its end', [END, {}], 3100],
  ['owes nothing', [{ owes: 'nothing', isHeld: false }, {}], null],
  ['holds the stream up', [HELD, { movesEveryMs: 100 }], 600],
  ['holds the stream up, with hops below it', [HELD, { height: 3, movesEveryMs: 100 }], 2300],
])('a child that %s', (_what, [kind, order], expected) => {
  expect(droppedAtMs(kind, order)).toBe(expected)
})

test('what this process itself slept through is not the child’s', () => {
  const patience = new ChildPatience(TIMES, { height: 0, nowMs: 0 })
  expect(patience.judge({ nowMs: 100, ...ANSWER })).toBeNull()
  expect(patience.judge({ nowMs: 60_000, ...ANSWER })).not.toBeNull()
  const other = new ChildPatience({ ...TIMES, answerMs: 2000 }, { height: 0, nowMs: 0 })
  expect(other.judge({ nowMs: 60_000, ...ANSWER })).toBeNull()
  expect(other.judge({ nowMs: 1000, ...ANSWER })).toBeNull()
})
