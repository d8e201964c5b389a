import { expect, test } from 'bun:test'

import { type ParentFigures, parentRank } from '../../../src/core/route/parent-rank.ts'

const MIB = 1 << 20
const idle: ParentFigures = { weight: 100, level: 0, txBytesPerS: null }

/** Each row: whoever comes first stands above the other. */
test.each<[string, Partial<ParentFigures>, Partial<ParentFigures>]>([
  ['the heavier one', { weight: 101 }, { weight: 100 }],
  ['the one with less to do', { level: 0 }, { level: 1 }],
  ['the one with less to do, beyond the first level too', { level: 1 }, { level: 2 }],
  ['a light one before one that has enough to do', { weight: 1 }, { weight: 1000, level: 3 }],
  ['one of twice the weight, with some to do', { weight: 200, level: 1 }, { weight: 100 }],
  ['the one that was seen to send more', { txBytesPerS: 80 * MIB }, { txBytesPerS: 10 * MIB }],
  ['one that was seen to send much before one nobody has seen', { txBytesPerS: 20 * MIB }, {}],
  ['weight before what was measured', { weight: 101 }, { txBytesPerS: 10_000 * MIB }],
  ['load before what was measured', { level: 1 }, { level: 2, txBytesPerS: 10_000 * MIB }],
])('%s', (_what, above, below) => {
  expect(parentRank({ ...idle, ...above })).toBeGreaterThan(parentRank({ ...idle, ...below }))
})

test.each<[string, Partial<ParentFigures>, Partial<ParentFigures>]>([
  ['a little more was measured', { txBytesPerS: 9 * MIB }, { txBytesPerS: 15 * MIB }],
  ['hardly anything was measured', { txBytesPerS: 1000 }, {}],
  ['both have enough to do', { level: 3, weight: 5 }, { level: 3, txBytesPerS: 100 * MIB }],
])('no difference: %s', (_what, one, other) => {
  expect(parentRank({ ...idle, ...one })).toBe(parentRank({ ...idle, ...other }))
})
