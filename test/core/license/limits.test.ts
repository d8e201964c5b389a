import { describe, expect, test } from 'bun:test'

import { checkLimit, limitsLeft } from '../../../src/core/license/limits.ts'

const limits = { regions: 1, groups: 2, cas: 3, cms: 0 }

describe('each limit is reached by one and passed by one', () => {
  test.each([
    ['regions', 1, null],
    ['regions', 2, 'cannot add a region: the licence allows 1 region, 1 is in use'],
    ['groups', 2, null],
    ['groups', 3, 'cannot add a group: the licence allows 2 groups, 2 are in use'],
    ['cas', 3, null],
    [
      'cas',
      4,
      'cannot add a server with the role cas: the licence allows 3 servers with the role cas, 3 are in use',
    ],
    [
      'cms',
      1,
      'cannot add a server with the role cms: the licence allows 0 servers with the role cms, 0 are in use',
    ],
  ] as const)('%s with %i wanted', (kind, wanted, message) => {
    const check = checkLimit(limits, kind, wanted)
    expect(check.ok ? null : check.error).toEqual(
      message === null ? null : { code: 'LICENSE_LIMIT', message },
    )
  })
})

test('what is left is never less than nothing', () => {
  const used = { regions: 0, groups: 2, cas: 5, cms: 0 }
  expect(limitsLeft(limits, used)).toEqual({ regions: 1, groups: 0, cas: 0, cms: 0 })
})
