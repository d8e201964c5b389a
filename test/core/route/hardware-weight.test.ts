import { expect, test } from 'bun:test'

import { hardwareWeight } from '../../../src/core/route/hardware-weight.ts'

const GIB = 2 ** 30

test.each([
  ['a usual host', 4, 8 * GIB, 100],
  ['twice of both', 8, 16 * GIB, 200],
  ['many CPUs and little memory', 16, 2 * GIB, 100],
  ['a small one', 1, 0.5 * GIB, 13],
  ['a tiny one', 1, 0.06 * GIB, 10],
  ['a huge one', 256, 2048 * GIB, 1000],
  ['one that did not say', 0, 0, 100],
  ['one that said half', 2, 0, 71],
])('%s', (...[, cpuCount, memoryBytes, weight]) => {
  expect(hardwareWeight({ cpuCount, memoryBytes })).toBe(weight)
})
