import type { Schedule } from './next-time.ts'

/** A schedule as people write it. */
export interface ScheduleText {
  /** A cron pattern, `every 3600 s`, or a time like `2027-01-31T03:00:00Z`. */
  readonly when: string
  readonly timeZone: string
}

const EVERY = /^every\s+(\d{1,9})\s*s$/i
const TIME = /^\d{4}-\d{2}-\d{2}T/

/** Shows a schedule; what it does not need is empty. */
export function toScheduleText(schedule: Schedule | null): ScheduleText {
  if (schedule === null) return { when: '', timeZone: '' }
  if ('at' in schedule) return { when: schedule.at, timeZone: '' }
  if ('everyS' in schedule) return { when: `every ${schedule.everyS} s`, timeZone: '' }
  return { when: schedule.cron, timeZone: schedule.timeZone }
}

/** Reads one, not yet checked; without a time zone, a pattern is meant in UTC. */
export function fromScheduleText({ when, timeZone }: ScheduleText): Schedule {
  const text = when.trim()
  const everyS = EVERY.exec(text)?.[1]
  if (everyS !== undefined) return { everyS: Number(everyS) }
  if (TIME.test(text)) return { at: text }
  return { cron: text, timeZone: timeZone.trim() === '' ? 'UTC' : timeZone.trim() }
}
