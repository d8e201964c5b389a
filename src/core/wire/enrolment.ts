import { z } from 'zod'

/**
 * `POST /enroll` on the gateway, over TLS under the authority that the token pins, and the answer. `GET /authority`
 * gives the authority's certificate (PEM) to anyone: the token's fingerprint decides whether it is believed.
 *
 * A token is `cdt1.<secret>.<fingerprint>`: 32 random bytes and the SHA-256 of the authority's certificate (DER), both
 * base64url.
 */
export const enrolRequest = z.strictObject({
  secret: z.string().min(40).max(64),
  name: z.string().regex(/^[A-Za-z0-9._-]{1,63}$/),
  /** PKCS#10 request, PEM; only its key counts, never the names in it. */
  certificateRequest: z.string().max(20_000),
  platform: z.object({
    os: z.string().max(32),
    architecture: z.string().max(32),
    cpuCount: z.number().int().min(0),
    memoryBytes: z.number().int().min(0),
  }),
})

export const enrolAnswer = z.object({
  serverId: z.string().min(1).max(64),
  roles: z.array(z.enum(['cms', 'cas', 'sm'])).max(3),
  /** The agent's certificate and the authority's, PEM. */
  certificate: z.string().max(20_000),
  authority: z.string().max(20_000),
  installationId: z.string().min(1).max(64),
})

export type EnrolRequest = z.infer<typeof enrolRequest>
export type EnrolAnswer = z.infer<typeof enrolAnswer>

/** The names in certificates by which the parts know each other, whatever host name was used to get there. */
export const MASTER_SERVER_NAME = 'master.cd-master.internal'

/** The DNS name in an agent's certificate; `serverId` is a UUID. */
export function agentServerName(serverId: string): string {
  return `${serverId}.agent.cd-master.internal`
}

/** The URI in an agent's certificate that says who it is. */
export function agentUri(serverId: string): string {
  return `urn:cd:agent:${serverId}`
}
