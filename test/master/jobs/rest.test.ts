import { expect, test } from 'bun:test'

import { isResting, oneMoreBroken } from '../../../src/master/jobs/rest.ts'

const MINUTE_MS = 60_000

test('who broke a stream rests for a minute, and twice as long each time after that, up to ten', () => {
  let broken = oneMoreBroken(null, 0)
  for (const minutes of [1, 2, 4, 8, 10, 10]) {
    const { lastAtMs } = broken
    expect(isResting(broken, lastAtMs + minutes * MINUTE_MS - 1)).toBe(true)
    expect(isResting(broken, lastAtMs + minutes * MINUTE_MS)).toBe(false)
    broken = oneMoreBroken(broken, lastAtMs + 11 * MINUTE_MS)
  }
  expect(isResting(null, 0)).toBe(false)
})

test('what was broken an hour ago counts no more', () => {
  const twice = oneMoreBroken(oneMoreBroken(null, 0), 1)
  expect(twice.count).toBe(2)
  expect(oneMoreBroken(twice, 60 * MINUTE_MS).count).toBe(3)
  expect(oneMoreBroken(twice, 61 * MINUTE_MS).count).toBe(1)
})
