import type { HostFigures } from './host-figures.ts'

export type Health = 'good' | 'bad'

/** From having hardly anything to do to having enough. */
export type LoadLevel = 0 | 1 | 2 | 3

/** From so much on, in percent, a server is on level 1, 2 and 3. On the last it has enough to do with itself. */
const BOUNDS_PERCENT = [60, 80, 95] as const
/** So far below a bound a server has left its level: not at once, so that it does not change with every reading. */
const SLACK_PERCENT = 10
/** So many readings in a row decide. */
const READINGS = 3
/** As many connections count as everything that a host can do; those of a busy web server stay well below. */
const SESSIONS_FULL = 20_000

/** How much a server has to do, by what it said last, and whether it can be asked to do more. */
export interface Verdict {
  readonly health: Health
  readonly level: LoadLevel
  /** Readings in a row that speak for another level. */
  readonly against: number
  /** The nearest of those levels. */
  readonly toward: LoadLevel
}

export const GOOD: Verdict = { health: 'good', level: 0, against: 0, toward: 0 }

/** Takes another reading into account. */
export function judged(before: Verdict, figures: HostFigures): Verdict {
  const { level, against } = before
  const said = levelBy(level, loadPercent(figures))
  if (said === level) return verdictOf(level)
  const isSameWay = against > 0 && said > level === before.toward > level
  const count = isSameWay ? against + 1 : 1
  const toward = isSameWay ? nearest(level, [said, before.toward]) : said
  return count < READINGS ? { ...before, against: count, toward } : verdictOf(toward)
}

function verdictOf(level: LoadLevel): Verdict {
  return { health: level === 3 ? 'bad' : 'good', level, against: 0, toward: level }
}

/** What a host has most of, by what it can do. */
function loadPercent({ cpuPercent, memoryPercent, sessions }: HostFigures): number {
  return Math.max(cpuPercent, memoryPercent, ((sessions ?? 0) / SESSIONS_FULL) * 100)
}

function levelBy(level: LoadLevel, percent: number): LoadLevel {
  const above = levelOf(percent)
  if (above >= level) return above
  const bound = BOUNDS_PERCENT[level - 1] ?? 0
  return percent >= bound - SLACK_PERCENT ? level : above
}

function levelOf(percent: number): LoadLevel {
  const [some, much, full] = BOUNDS_PERCENT
  if (percent >= full) return 3
  if (percent >= much) return 2
  return percent >= some ? 1 : 0
}

function nearest(level: LoadLevel, [one, other]: readonly [LoadLevel, LoadLevel]): LoadLevel {
  return Math.abs(one - level) < Math.abs(other - level) ? one : other
}
