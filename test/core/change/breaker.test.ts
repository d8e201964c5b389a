import { describe, expect, test } from 'bun:test'

import { Breaker, type DeletionLimit } from '../../../src/core/change/breaker.ts'

const NONE: DeletionLimit = { count: null, percent: null, windowS: 600 }

/** How many of so many deletions go out. */
function admitted(limit: Partial<DeletionLimit>, files: number, deletions: number): number {
  const breaker = new Breaker({ ...NONE, ...limit }, { losses: 0, isOpen: false })
  let count = 0
  for (let left = files; left > files - deletions; left--) {
    // What is held is no longer there either.
    if (breaker.admit(left)) count++
  }
  return count
}

describe('deletions that go out', () => {
  test.each([
    ['no limit', {}, 1000, 1000, 1000],
    ['up to a number', { count: 10 }, 1000, 10, 10],
    ['one more than a number', { count: 10 }, 1000, 11, 10],
    ['none', { count: 0 }, 1000, 5, 0],
    ['up to a share', { percent: 30 }, 100, 30, 30],
    ['one more than a share', { percent: 30 }, 100, 31, 30],
    ['the whole of a large source', { percent: 30 }, 100, 100, 30],
    ['the lower of both', { count: 5, percent: 30 }, 100, 100, 5],
    ['the lower of both, the other way', { count: 50, percent: 30 }, 100, 100, 30],
    ['one of three', { percent: 30 }, 3, 1, 1],
    ['the whole of three', { percent: 30 }, 3, 3, 1],
    ['the only one', { percent: 30 }, 1, 1, 1],
    ['everything, where all may go', { percent: 100 }, 10, 10, 10],
  ] as const)('%s', (_name, ...[limit, files, deletions, expected]) => {
    expect(admitted(limit, files, deletions)).toBe(expected)
  })

  test('those of the window before count', () => {
    const limit = { ...NONE, count: 10 }
    const breaker = new Breaker(limit, { losses: 9, isOpen: false })
    expect([breaker.admit(50), breaker.admit(49)]).toEqual([true, false])
  })

  test('once one is held, all are', () => {
    const breaker = new Breaker({ ...NONE, count: 1000 }, { losses: 0, isOpen: true })
    expect(breaker.admit(1_000_000)).toBe(false)
  })
})
