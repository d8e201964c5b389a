import { describe, expect, test } from 'bun:test'

import {
  type Schedule,
  nextTimeMs,
  scheduleProblem,
} from '../../../src/master/schedules/next-time.ts'
import { fromScheduleText, toScheduleText } from '../../../src/master/schedules/schedule-text.ts'

const NIGHT = { cron: '30 2 * * *', timeZone: 'Europe/Berlin' }

describe('when a schedule comes due', () => {
  test.each<[string, Schedule, string, string | null]>([
    ['before', NIGHT, '2027-01-10T00:00:00Z', '2027-01-10T01:30:00.000Z'],
    ['in that very second', NIGHT, '2027-01-10T01:30:00Z', '2027-01-10T01:30:00.000Z'],
    ['a second later', NIGHT, '2027-01-10T01:30:01Z', '2027-01-11T01:30:00.000Z'],
    ['in summer', NIGHT, '2027-07-10T00:00:00Z', '2027-07-10T00:30:00.000Z'],
    ['an hour that does not exist', NIGHT, '2027-03-28T00:00:00Z', '2027-03-28T01:00:00.000Z'],
    ['every hour', { everyS: 3600 }, '2027-01-10T00:00:01Z', '2027-01-10T01:00:00.000Z'],
    ['every hour, on it', { everyS: 3600 }, '2027-01-10T01:00:00Z', '2027-01-10T01:00:00.000Z'],
    [
      'once, ahead',
      { at: '2027-02-01T03:00:00Z' },
      '2027-01-10T01:00:00Z',
      '2027-02-01T03:00:00.000Z',
    ],
    [
      'once, and it has passed',
      { at: '2027-01-01T03:00:00Z' },
      '2027-01-10T01:00:00Z',
      '2027-01-10T01:00:00.000Z',
    ],
  ])('%s', (...[, schedule, from, expected]) => {
    const atMs = nextTimeMs(schedule, Date.parse(from))
    expect(atMs === null ? null : new Date(atMs).toISOString()).toBe(expected)
  })
})

test.each<[Schedule, boolean]>([
  [NIGHT, true],
  [{ everyS: 1 }, true],
  [{ cron: 'every night', timeZone: 'UTC' }, false],
  [{ cron: '61 2 * * *', timeZone: 'UTC' }, false],
  [{ cron: '0 0 30 2 *', timeZone: 'UTC' }, false],
  [{ cron: '0 0 * * *', timeZone: 'Mars/Olympus' }, false],
])('%j can be used: %p', (schedule, isGood) => {
  expect(scheduleProblem(schedule) === null).toBe(isGood)
})

test.each<[Schedule]>([[NIGHT], [{ everyS: 90 }], [{ at: '2027-02-01T03:00:00Z' }]])(
  'what people read of %j, they can write',
  (schedule) => {
    expect(fromScheduleText(toScheduleText(schedule))).toEqual(schedule)
  },
)

test('without a time zone a pattern is meant in UTC', () => {
  expect(fromScheduleText({ when: ' 0 3 * * * ', timeZone: ' ' })).toEqual({
    cron: '0 3 * * *',
    timeZone: 'UTC',
  })
  expect(toScheduleText(null)).toEqual({ when: '', timeZone: '' })
})
