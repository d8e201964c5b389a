import { describe, expect, test } from 'bun:test'

import type { OwnContent } from '../../../src/core/apply/inbound.ts'
import { commonKept, markAfter, markBelow } from '../../../src/core/apply/kept-marks.ts'
import type { ContentHash } from '../../../src/core/change/entry.ts'

const MIB = 1 << 20
const hashOf = (bytes: number) => `hash of ${bytes}` as ContentHash

/** What a server tells of a file, whose marks are where all have them. */
function own(seq: number, bytes: number): OwnContent {
  const hashAt = (count: number) =>
    count === bytes || (count <= bytes && markBelow(count) === count) ? hashOf(count) : null
  return { seq, bytes, hash: hashOf(bytes), hashAt }
}

test('marks are the same whatever the size, and no more than a 32nd of it apart', () => {
  let position = 0
  let count = 0
  while (position < 2 ** 40) {
    const next = markAfter(position)
    expect(next).toBeGreaterThan(position)
    expect(markBelow(next)).toBe(next)
    expect(markBelow(next - 1)).toBe(position)
    if (position > 0) expect(next - position).toBeLessThanOrEqual(position / 32)
    position = next
    count++
  }
  expect(count).toBeLessThan(700)
})

describe('what several servers go on with', () => {
  test.each<[string, readonly OwnContent[], readonly (readonly OwnContent[])[], number[]]>([
    ['one alone, at a mark', [own(1, 5 * MIB + 7)], [], [5 * MIB]],
    ['as much as all have', [own(1, 9 * MIB)], [[own(1, 3 * MIB)], [own(1, 4 * MIB)]], [3 * MIB]],
    ['as much as this one has', [own(1, 3 * MIB)], [[own(1, 9 * MIB)]], [3 * MIB]],
    ['nothing where one has none', [own(1, 9 * MIB)], [[own(1, 4 * MIB)], []], []],
    ['each file for itself', [own(1, 2 * MIB), own(2, 8 * MIB)], [[own(2, 9 * MIB)]], [8 * MIB]],
    ['nothing below the first mark', [own(1, MIB - 1)], [[own(1, 9 * MIB)]], []],
  ])('%s', (...[, here, below, bytes]) => {
    const common = commonKept(here, below)
    expect(common.map((one) => one.bytes)).toEqual(bytes)
    for (const { bytes: count, hash } of common) expect(hash).toBe(hashOf(count))
  })
})
