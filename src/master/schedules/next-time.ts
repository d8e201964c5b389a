import { Cron } from 'croner'

/** When something comes due: by a cron pattern in a time zone, every so many seconds, or once. */
export type Schedule =
  | { readonly cron: string; readonly timeZone: string }
  | { readonly everyS: number }
  | { readonly at: string }

/**
 * When a schedule comes due next, at the earliest at `fromMs` (ms since 1970); null where it never does again. `everyS` counts
 * from 1970, so that it does not depend on when anybody asked. One with a single time that has passed is due at once.
 */
export function nextTimeMs(schedule: Schedule, fromMs: number): number | null {
  if ('at' in schedule) return Math.max(Date.parse(schedule.at), fromMs)
  if ('everyS' in schedule) {
    const everyMs = schedule.everyS * 1000
    return Math.ceil(fromMs / everyMs) * everyMs
  }
  // Croner gives times after the one it is asked from, in whole seconds.
  const from = new Date(fromMs - 1000)
  return cronOf(schedule).nextRun(from)?.getTime() ?? null
}

/** What is wrong with a schedule, for people; null where nothing is. */
export function scheduleProblem(schedule: Schedule): string | null {
  if (!('cron' in schedule)) return null
  try {
    if (cronOf(schedule).nextRun() === null) return 'it never comes due'
    return null
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}

type CronSchedule = Extract<Schedule, { cron: string }>

/** Reading a pattern costs more than finding its next time. */
const known = new WeakMap<CronSchedule, Cron>()

function cronOf(schedule: CronSchedule): Cron {
  const cron = known.get(schedule) ?? new Cron(schedule.cron, { timezone: schedule.timeZone })
  known.set(schedule, cron)
  return cron
}
