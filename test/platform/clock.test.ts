import { expect, test } from 'bun:test'

import { iso, systemClock } from '../../src/platform/clock.ts'

test('times are ISO 8601 in UTC with milliseconds', () => {
  expect(iso(0)).toBe('1970-01-01T00:00:00.000Z')
})

test('sleep lasts at least as long as asked', async () => {
  const startMs = performance.now()
  await systemClock.sleep(20)
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(19)
})

test('an aborted signal ends the sleep, also one that was aborted before', async () => {
  const controller = new AbortController()
  const sleeping = systemClock.sleep(60_000, controller.signal)
  controller.abort()
  await sleeping
  await systemClock.sleep(60_000, controller.signal)
  expect(controller.signal.aborted).toBe(true)
})
