import { describe, expect, test } from 'bun:test'

import { DAY_MS, dayStartMs, endOfTermMs, termOf } from '../../../src/core/license/term.ts'

const at = (text: string) => Date.parse(text)
const iso = (timeMs: number) => new Date(timeMs).toISOString()

describe('a term ends at noon UTC of the first Wednesday on or after its last day', () => {
  test.each([
    ['2026-11-25T00:00:00.000Z', '2026-11-25T12:00:00.000Z'], // a Wednesday
    ['2026-11-25T23:59:59.999Z', '2026-11-25T12:00:00.000Z'],
    ['2026-11-26T00:00:00.000Z', '2026-12-02T12:00:00.000Z'], // a Thursday
    ['2026-11-29T10:00:00.000Z', '2026-12-02T12:00:00.000Z'], // a Sunday
    ['2026-12-01T00:00:00.000Z', '2026-12-02T12:00:00.000Z'], // a Tuesday
    ['2026-12-31T00:00:00.000Z', '2027-01-06T12:00:00.000Z'], // over the year's end
    ['2028-02-29T00:00:00.000Z', '2028-03-01T12:00:00.000Z'], // a leap day
    ['1970-01-01T00:00:00.000Z', '1970-01-07T12:00:00.000Z'],
  ])('last day %s ends %s', (lastDay, end) => {
    expect(iso(endOfTermMs(at(lastDay)))).toBe(end)
  })

  test('whatever the day, it is a Wednesday, not before that day and less than a week after', () => {
    for (let day = 0; day < 3000; day++) {
      const lastDayMs = at('2024-01-01T00:00:00Z') + day * DAY_MS
      const endMs = endOfTermMs(lastDayMs)
      expect(new Date(endMs).getUTCDay()).toBe(3)
      expect(iso(endMs)).toEndWith('T12:00:00.000Z')
      expect(dayStartMs(endMs) - lastDayMs).toBeWithin(0, 7 * DAY_MS)
    }
  })
})

describe('a term counts calendar days, the first among them', () => {
  test.each([
    [1, '2026-11-25T12:00:00.000Z'],
    [3, '2026-11-25T12:00:00.000Z'],
    [4, '2026-12-02T12:00:00.000Z'],
    [365, '2027-11-24T12:00:00.000Z'],
  ])('%i days from Monday, 23 November 2026', (days, end) => {
    const term = termOf(at('2026-11-23T14:05:06.789Z'), days)
    expect(iso(term.startMs)).toBe('2026-11-23T00:00:00.000Z')
    expect(iso(term.endMs)).toBe(end)
  })
})
