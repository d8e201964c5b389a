import type { Hold } from '../../core/change/journal.ts'
import type { ReportedHold } from '../../core/wire/control.ts'
import { iso } from '../../platform/clock.ts'

/** What a target holds, as the master is told; null for nothing. */
export function targetHold(hold: Hold | null): ReportedHold | null {
  if (hold === null) return null
  const { sinceMs, sample, ...what } = hold
  const message = `${whatLies(hold)} that the source has not put there`
  return { code: 'FIRST_CONTACT', message, since: iso(sinceMs), ...what, sample: [...sample] }
}

function whatLies({ deletes, updates }: Hold): string {
  const files = deletes + updates
  return files === 1 ? 'something lies there' : `${files} files lie there`
}
