import type { HostFigures } from './host-figures.ts'

export type Health = 'good' | 'bad'

/** Beyond one of these a server has enough to do with itself. */
const BAD_PERCENT = 95
/** Below all of these it has recovered: not the same, so that it does not change with every reading. */
const GOOD_PERCENT = 85
/** So many readings in a row decide. */
const READINGS = 3

/** Whether a server can be asked to do more, by what it said last. */
export interface Verdict {
  readonly health: Health
  /** Readings in a row that speak against that. */
  readonly against: number
}

export const GOOD: Verdict = { health: 'good', against: 0 }

/** Takes another reading into account. */
export function judged({ health, against }: Verdict, figures: HostFigures): Verdict {
  const most = Math.max(figures.cpuPercent, figures.memoryPercent)
  const speaksAgainst = health === 'good' ? most >= BAD_PERCENT : most < GOOD_PERCENT
  if (!speaksAgainst) return { health, against: 0 }
  if (against + 1 < READINGS) return { health, against: against + 1 }
  return { health: health === 'good' ? 'bad' : 'good', against: 0 }
}
