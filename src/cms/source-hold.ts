import type { Hold } from '../core/change/journal.ts'
import type { SourceConfig, ReportedHold } from '../core/wire/control.ts'
import { iso } from '../platform/clock.ts'

/** What a source holds back, as the master is told; null for nothing. */
export function sourceHold(
  { deletionLimit }: SourceConfig,
  hold: Hold | null,
): ReportedHold | null {
  if (hold === null) return null
  const { fingerprint, from, to, deletes, updates, bytes, sinceMs, sample } = hold
  const files = deletes + updates
  const message = `${files} files are gone or empty at the source, which is more than ${limitText(deletionLimit)}`
  const what = { fingerprint, from, to, deletes, updates, bytes, sample: [...sample] }
  return { code: 'MAX_DELETE', message, since: iso(sinceMs), ...what }
}

function limitText(limit: SourceConfig['deletionLimit']): string {
  if (limit == null) return 'the limit that held before'
  const { count, percent, windowS } = limit
  const parts = [
    ...(count === null ? [] : [`${count} files`]),
    ...(percent === null ? [] : [`${percent} %`]),
  ]
  return `${parts.join(' or ')} within ${windowS} s`
}
