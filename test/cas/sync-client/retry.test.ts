import { expect, test } from 'bun:test'

import { isWorthRetrying, retryDelayMs } from '../../../src/cas/sync-client/retry.ts'

test("delays double from the policy's own to 30 s, half of each by chance", () => {
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 1000].map((count) => retryDelayMs(1000, count, () => 1))
  expect(ceilings).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  expect(retryDelayMs(1000, 1, () => 0)).toBe(500)
  expect(retryDelayMs(0, 5, () => 1)).toBe(0)
})

test.each([
  ['PEER_UNREACHABLE', true],
  ['BINDING_UNKNOWN', true],
  ['BINDING_BUSY', true],
  ['HASH_MISMATCH', true],
  ['IO_ERROR', true],
  ['TICKET_INVALID', false],
  ['LEASE_EXPIRED', false],
  ['SIGNATURE_INVALID', false],
  ['PROTOCOL', false],
  ['CANCELLED', false],
] as const)('%s is worth another attempt: %s', (code, expected) => {
  expect(isWorthRetrying(code)).toBe(expected)
})
