import { eq } from 'drizzle-orm'
import { errors, importSPKI, jwtVerify } from 'jose'

import { AppError } from '../../core/base/errors.ts'
import { AGENT_TOKEN, agentTokenClaims } from '../../core/wire/agent-token.ts'
import type { MasterContext } from '../context.ts'
import { servers } from '../db/schema.ts'
import type { ServerRow } from '../use-cases/lookup.ts'

const TOKEN_BYTES_MAX = 4096
const BEARER = /^Bearer ([A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+)$/

/** Tells which server opens a connection, by the token that its key signed. Remembers tokens, so that none works twice. */
export class AgentIdentifier {
  readonly #context: Pick<MasterContext, 'database' | 'clock' | 'settings'>
  readonly #used = new Map<string, number>()

  constructor(context: Pick<MasterContext, 'database' | 'clock' | 'settings'>) {
    this.#context = context
  }

  /** Gives the server; AGENT_UNKNOWN, AGENT_REVOKED, UNAUTHENTICATED. */
  async identify(authorization: string | null): Promise<ServerRow> {
    const [, token, payload] = BEARER.exec(authorization?.slice(0, TOKEN_BYTES_MAX) ?? '') ?? []
    const claimed = agentTokenClaims.safeParse(parsePayload(payload ?? ''))
    if (token === undefined || !claimed.success) throw refused('it has no valid form')
    const server = await this.#findServer(claimed.data.iss)
    await this.#verify(token, server)
    this.#useOnce(claimed.data.jti)
    return server
  }

  async #findServer(serverId: string): Promise<ServerRow> {
    const [server] = await this.#context.database.read
      .select()
      .from(servers)
      .where(eq(servers.id, serverId))
    if (server === undefined) {
      throw new AppError(
        'AGENT_UNKNOWN',
        `cannot connect: server "${serverId}" is not enrolled here`,
      )
    }
    if (server.revokedAtMs !== null || server.publicKey === null) {
      const why = server.revokeReason === null ? '' : `: ${server.revokeReason}`
      throw new AppError(
        'AGENT_REVOKED',
        `cannot connect: server "${server.name}" was revoked${why}`,
      )
    }
    return server
  }

  async #verify(token: string, server: ServerRow): Promise<void> {
    const pem = `-----BEGIN PUBLIC KEY-----\n${server.publicKey}\n-----END PUBLIC KEY-----`
    try {
      await jwtVerify(token, await importSPKI(pem, AGENT_TOKEN.algorithm), {
        algorithms: [AGENT_TOKEN.algorithm],
        typ: AGENT_TOKEN.type,
        issuer: server.id,
        audience: this.#context.settings.installationId,
        maxTokenAge: AGENT_TOKEN.lifetimeS,
        clockTolerance: AGENT_TOKEN.clockToleranceS,
        currentDate: new Date(this.#context.clock.nowMs()),
      })
    } catch (thrown) {
      if (!(thrown instanceof errors.JOSEError)) throw thrown
      // A key that does not fit is that of a host which was enrolled again elsewhere.
      if (thrown instanceof errors.JWSSignatureVerificationFailed) {
        const message = `cannot connect: the key of server "${server.name}" is another one`
        throw new AppError('AGENT_UNKNOWN', message, { cause: thrown })
      }
      throw refused(thrown.message)
    }
  }

  #useOnce(id: string): void {
    const nowMs = this.#context.clock.nowMs()
    for (const [old, untilMs] of this.#used) {
      if (untilMs > nowMs) break
      this.#used.delete(old)
    }
    if (this.#used.has(id)) throw refused('it was used already')
    const keptS = AGENT_TOKEN.lifetimeS + 2 * AGENT_TOKEN.clockToleranceS
    this.#used.set(id, nowMs + keptS * 1000)
  }
}

function parsePayload(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString())
  } catch {
    return null
  }
}

function refused(why: string): AppError {
  return new AppError('UNAUTHENTICATED', `cannot connect: the agent's token is refused: ${why}`)
}
