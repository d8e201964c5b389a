import { expect, test } from 'bun:test'

import { backoffMs } from '../../../src/cas/control/backoff.ts'

test.each([
  [0, 0, 100],
  [0, 1, 200],
  [1, 1, 400],
  [3, 0.5, 1200],
  [7, 1, 25_600],
  [8, 1, 30_000],
  [1_000_000, 0, 15_000],
  [1_000_000, 1, 30_000],
])('attempt %p with chance %p waits %p ms', (attempt, chance, expectedMs) => {
  expect(backoffMs(attempt, () => chance)).toBe(expectedMs)
})
