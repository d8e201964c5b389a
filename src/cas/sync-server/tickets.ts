import { type JWK, errors, importJWK, jwtVerify } from 'jose'

import { type Result, failure, success } from '../../core/base/result.ts'
import type { TargetConfig } from '../../core/wire/control.ts'
import type { OpenMessage } from '../../core/wire/frame-messages.ts'
import {
  TICKET_ALGORITHM,
  TICKET_ISSUER,
  TICKET_TYPE,
  type TicketClaims,
  ticketClaims,
} from '../../core/wire/ticket.ts'

/** How far the clocks of master and target may lie apart. */
const CLOCK_SKEW_S = 60

/** What a ticket must be about to open a stream. */
export interface TicketExpectation {
  /** The server that receives: this one. */
  readonly serverId: string
  /** The server at the other end, by its certificate. */
  readonly senderId: string
  readonly open: OpenMessage
  readonly target: TargetConfig
  readonly nowMs: number
}

/**
 * Verifies that the master lets this sender open this stream now; else TICKET_INVALID with the reason. `ticketKey` is the
 * JWK of the key that signs tickets.
 */
export async function verifyTicket(
  ticketKey: JWK,
  expected: TicketExpectation,
): Promise<Result<TicketClaims>> {
  const { senderId, open } = expected
  const refuse = (why: string) =>
    failure('TICKET_INVALID', `cannot accept the ticket of server "${senderId}": ${why}`)
  try {
    const { payload } = await jwtVerify(open.ticket, await importJWK(ticketKey, TICKET_ALGORITHM), {
      issuer: TICKET_ISSUER,
      audience: expected.serverId,
      algorithms: [TICKET_ALGORITHM],
      typ: TICKET_TYPE,
      clockTolerance: CLOCK_SKEW_S,
      currentDate: new Date(expected.nowMs),
    })
    const claims = ticketClaims.safeParse(payload)
    if (!claims.success) return refuse('it does not say all that it must')
    const mismatch = mismatchOf(claims.data, expected)
    return mismatch === null ? success(claims.data) : refuse(mismatch)
  } catch (thrown) {
    if (thrown instanceof errors.JOSEError) return refuse(thrown.message)
    throw thrown
  }
}

function mismatchOf(claims: TicketClaims, expected: TicketExpectation): string | null {
  const { senderId, open, target } = expected
  const pairs: readonly (readonly [string, string, string])[] = [
    ['job', claims.jobId, open.jobId],
    ['binding', claims.bindingId, target.bindingId],
    ['source', claims.sourceId, open.sourceId],
    ['source', open.sourceId, target.sourceId],
    ['source server', claims.sourceServerId, target.sourceServerId],
    ['policy', claims.policyId, target.policyId],
  ]
  for (const [what, said, due] of pairs) {
    if (said !== due) return `it is for ${what} "${said}", not "${due}"`
  }
  return claims.senders.includes(senderId) ? null : 'it is for other senders'
}
