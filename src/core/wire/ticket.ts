import { z } from 'zod'

/**
 * A ticket lets the senders it names open one stream to one binding. It is a JWT signed by the master with EdDSA; the
 * Sync Server checks it when a stream is opened, against the `ticketKey` of its configuration. It lives as long as the
 * job, so `exp` must lie as far ahead as the job may run.
 */
export const TICKET_ISSUER = 'cd-master'

/** The protected header is `{alg: 'EdDSA', typ: TICKET_TYPE}`; any other is refused. */
export const TICKET_TYPE = 'cd-ticket+jwt'
export const TICKET_ALGORITHM = 'EdDSA'

const id = z.string().min(1).max(64)
const secondsOfEpoch = z.number().int().min(0)

export const ticketClaims = z.object({
  iss: z.literal(TICKET_ISSUER),
  /** The server that receives. */
  aud: id,
  jti: id,
  iat: secondsOfEpoch,
  exp: secondsOfEpoch,
  jobId: id,
  /** When the master began this run of the job, in ms since 1970: of two runs to one binding the later one counts. */
  runAtMs: z.number().int().min(0),
  policyId: id,
  policyRevision: z.number().int().min(0),
  bindingId: id,
  sourceId: id,
  /** Where the content comes from, whoever delivers it: its key signs every set. */
  sourceServerId: id,
  /** The key of the server that signs every set in its stead (Ed25519, base64); absent where it signs itself. */
  signerKey: z.string().max(1000).optional(),
  /** The servers that may open the stream with this ticket. */
  senders: z.array(id).min(1).max(64),
})

export type TicketClaims = z.infer<typeof ticketClaims>
