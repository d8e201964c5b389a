import { and, asc, isNull, lt } from 'drizzle-orm'

import { iso } from '../../platform/clock.ts'
import type { MasterContext } from '../context.ts'
import { toErrorReason } from '../db/reason.ts'
import { servers } from '../db/schema.ts'
import type { Server } from '../model.ts'

const DAY_MS = 86_400_000
/** Long enough before the end to do something about it on every host. */
const WARN_BEFORE_MS = 30 * DAY_MS

/** The certificate of an agent as the API shows it, with a reason where it ends within 30 days or has ended. */
export function certificateView(
  { serial, expiresAtMs }: { readonly serial: string; readonly expiresAtMs: number },
  nowMs: number,
): Server['certificate'] {
  const expiresAt = iso(expiresAtMs)
  const leftMs = expiresAtMs - nowMs
  if (leftMs >= WARN_BEFORE_MS) return { serial, expiresAt, reason: null }
  const reason =
    leftMs > 0
      ? {
          code: 'CERTIFICATE_ENDING',
          message: `the certificate of this agent ends at ${expiresAt}`,
        }
      : {
          code: 'CERTIFICATE_ENDED',
          message: `the certificate of this agent ended at ${expiresAt}`,
        }
  return { serial, expiresAt, reason: toErrorReason({ ...reason, atMs: nowMs }) }
}

/** Says in the log which agents will soon be refused by the others, soonest first. */
export async function warnOfCertificates(
  context: Pick<MasterContext, 'database' | 'clock' | 'log'>,
): Promise<void> {
  const nowMs = context.clock.nowMs()
  const rows = await context.database.read
    .select()
    .from(servers)
    .where(
      and(isNull(servers.revokedAtMs), lt(servers.certificateExpiresAtMs, nowMs + WARN_BEFORE_MS)),
    )
    .orderBy(asc(servers.certificateExpiresAtMs))
    .limit(100)
  for (const row of rows) {
    const certificate = { serial: row.certificateSerial, expiresAtMs: row.certificateExpiresAtMs }
    const { reason } = certificateView(certificate, nowMs)
    if (reason === null) continue
    const { code, message, action } = reason
    context.log.warn('agent certificate needs attention', {
      serverId: row.id,
      server: row.name,
      code,
      reason: message,
      action,
    })
  }
}
