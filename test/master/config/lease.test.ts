import { expect, test } from 'bun:test'

import { leaseEnd } from '../../../src/master/config/config-sender.ts'

const NOW = '2026-11-23T14:20:00.000Z'
const clock = { nowMs: () => Date.parse(NOW), sleep: async () => {} }

test.each([
  [
    '72 hours, in whole hours',
    { state: 'valid', expiresAt: null, graceUntil: null },
    '2026-11-26T14:00:00.000Z',
  ],
  [
    'never beyond the licence',
    { state: 'valid', expiresAt: '2026-11-24T12:00:00.000Z', graceUntil: null },
    '2026-11-24T12:00:00.000Z',
  ],
  [
    'but through its grace',
    {
      state: 'valid',
      expiresAt: '2026-11-24T12:00:00.000Z',
      graceUntil: '2026-11-25T12:00:00.000Z',
    },
    '2026-11-25T12:00:00.000Z',
  ],
  [
    'in grace to its end',
    {
      state: 'grace',
      expiresAt: '2026-11-22T12:00:00.000Z',
      graceUntil: '2026-11-23T15:00:00.000Z',
    },
    '2026-11-23T15:00:00.000Z',
  ],
  ['none without a licence', { state: 'missing', expiresAt: null, graceUntil: null }, null],
  [
    'none after its end',
    { state: 'expired', expiresAt: '2026-11-01T12:00:00.000Z', graceUntil: null },
    null,
  ],
] as const)('%s', (_, current, end) => {
  const license = {
    current: () => ({ ...current, code: null }),
    assertLimit: () => {},
    subscribe: () => () => {},
  }
  expect(leaseEnd({ clock, license })).toBe(end)
})
