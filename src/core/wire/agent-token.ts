import { z } from 'zod'

/**
 * How an agent proves to the gateway who it is: a JWT signed with the key of its certificate, sent as
 * `Authorization: Bearer …` when it opens the WebSocket. The TLS connection already proved the master to the agent;
 * Bun.serve shows no peer certificate, so this proves the agent to the master.
 *
 * A gateway that refuses the token completes the upgrade, sends `refused` with the code and closes: a WebSocket client
 * does not get to see the body of a failed upgrade, so a bare 401 could not tell the agent why.
 */
export const AGENT_TOKEN = {
  /** Below the gateway's URL. */
  path: '/agent',
  algorithm: 'ES256',
  type: 'cd-agent+jwt',
  lifetimeS: 60,
  /** How far the two clocks may differ; the token's `jti` is remembered for lifetime and tolerance, against replay. */
  clockToleranceS: 300,
} as const

export const agentTokenClaims = z.object({
  /** The server's id. */
  iss: z.string().min(1).max(64),
  /** The installation's id: a token for one master is worth nothing at another. */
  aud: z.string().min(1).max(64),
  iat: z.number().int(),
  exp: z.number().int(),
  /** Unique per connection attempt. */
  jti: z.string().min(16).max(64),
})

export type AgentTokenClaims = z.infer<typeof agentTokenClaims>
