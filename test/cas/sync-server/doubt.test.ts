import { describe, expect, test } from 'bun:test'

import { isInDoubt, isSettled } from '../../../src/cas/sync-server/relay/doubt.ts'

const LOST = { code: 'PEER_UNREACHABLE', message: 'its host does not answer' } as const
const WRONG = { code: 'HASH_MISMATCH', message: 'not what was sent' } as const

test.each([
  ['the parent is silent as well', [LOST, 1500], true],
  ['the parent has just spoken', [LOST, 40], false],
  ['nobody can tell', [LOST, null], false],
  ['the child itself said what is wrong', [WRONG, 1500], false],
] as const)('who is cut off is not known: %s', (_what, [reason, unheardMs], is) => {
  expect(isInDoubt(reason, unheardMs)).toBe(is)
})

describe('a doubt ends', () => {
  const doubt = { reason: LOST, sinceMs: 10_000 }
  test.each([
    ['not while the parent is silent', { nowMs: 10_500, unheardMs: 2000 }, false],
    ['when the parent speaks', { nowMs: 10_500, unheardMs: 10 }, true],
    ['when nobody can tell any more', { nowMs: 10_500, unheardMs: null }, true],
    ['after two seconds', { nowMs: 12_000, unheardMs: 3500 }, true],
    ['when the clock was set back', { nowMs: 1000, unheardMs: 2000 }, true],
  ])('%s', (_what, now, is) => {
    expect(isSettled(doubt, now)).toBe(is)
  })
})
