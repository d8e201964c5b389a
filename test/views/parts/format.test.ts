import { expect, test } from 'bun:test'

import { byteSize, count, duration, plural, relativeTime } from '../../../views/parts/format.ts'

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [5 << 20, '5 MiB'],
  [123.4 * 2 ** 30, '123 GiB'],
])('byteSize(%d) is %s', (bytes, text) => {
  expect(byteSize(bytes)).toBe(text)
})

test.each([
  [0, 'now'],
  [4000, 'now'],
  [59_000, '59 s ago'],
  [60_000, '1 min ago'],
  [7_199_000, '1 h ago'],
  [86_400_000 * 3, '3 d ago'],
  [-120_000, 'in 2 min'],
])('relativeTime() %d ms after is %s', (agoMs, text) => {
  expect(relativeTime(1_000_000_000_000 - agoMs, 1_000_000_000_000)).toBe(text)
})

test.each([
  [12, '12 ms'],
  [999, '999 ms'],
  [1000, '1 s'],
  [90_000, '1 min'],
])('duration(%d) is %s', (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text)
})

test('count() groups thousands, plural() chooses the word', () => {
  expect(count(1234567)).toBe('1\u202f234\u202f567')
  expect([plural(1, 'entry', 'entries'), plural(2, 'entry', 'entries')]).toEqual([
    '1 entry',
    '2 entries',
  ])
})
