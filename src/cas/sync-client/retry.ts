import type { ErrorCode } from '../../core/base/errors.ts'

const DELAY_MS_MAX = 30_000

/** What another attempt within the same job cannot change. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TICKET_INVALID',
  'PEER_UNTRUSTED',
  'LEASE_EXPIRED',
  'INCOMPATIBLE',
  'CANCELLED',
  'SOURCE_CHANGED',
  'SOURCE_UNAVAILABLE',
  'JOURNAL_BEHIND',
  'SIGNATURE_INVALID',
  'PROTOCOL',
])

/** Tells whether a job that failed for this reason is worth another attempt. */
export function isWorthRetrying(code: ErrorCode): boolean {
  return !FINAL.has(code)
}

/**
 * How long to wait before the next attempt, in milliseconds: doubling from `backoffMs` to 30 s, of which a random part
 * between half and all. `failures` counts from 1; `random` gives 0 to 1.
 */
export function retryDelayMs(backoffMs: number, failures: number, random: () => number): number {
  const ceiling = Math.min(DELAY_MS_MAX, backoffMs * 2 ** Math.min(failures - 1, 16))
  return Math.round(ceiling * (0.5 + random() / 2))
}
