import { and, eq, lt, sql } from 'drizzle-orm'

import { AppError } from '../core/base/errors.ts'
import { hardwareWeight } from '../core/route/hardware-weight.ts'
import type { EnrolAnswer, EnrolRequest } from '../core/wire/enrolment.ts'
import { iso } from '../platform/clock.ts'
import type { AgentCertificate } from './certificates.ts'
import type { MasterContext } from './context.ts'
import type { Reader, Writer } from './db/database.ts'
import { enrollmentTokens, servers } from './db/schema.ts'
import { refreshBindings } from './policies/expansion.ts'
import { hashSecret } from './use-cases/enrollment-tokens.ts'
import { assertRoleLimits } from './use-cases/servers.ts'

type TokenRow = typeof enrollmentTokens.$inferSelect

/**
 * Takes a host in on the strength of a token: gives it an id (or its old one), a certificate for its key, and its
 * place. TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_USED, NAME_TAKEN, LICENSE_LIMIT, INVALID_REQUEST.
 */
export async function enrolAgent(
  context: MasterContext,
  request: EnrolRequest,
): Promise<EnrolAnswer> {
  const token = await findToken(context, context.database.read, request.secret)
  const serverId = token.serverId ?? crypto.randomUUID()
  const certificate = await context.authority.agentCertificate(serverId, request.certificateRequest)
  const take = async (writer: Writer) => {
    // Looked at again inside the transaction: another host may have used the token meanwhile.
    const current = await findToken(context, writer, request.secret)
    await countUse(writer, current)
    await place(context, writer, { token: current, serverId, request, certificate })
    await assertRoleLimits(writer, context)
    await refreshBindings(writer)
  }
  await context.jobs.change(
    () => context.database.write(take),
    () => 'all',
  )
  // A rebuilt host takes the place of its old self, which must not go on under a certificate that counts no more.
  const message = 'this server was enrolled again'
  context.fleet.disconnect(serverId, { code: 'AGENT_UNKNOWN', message })
  const data = { name: request.name, state: 'pending' }
  context.events.publish({ type: 'server', objectId: serverId, serverIds: [serverId], data })
  return {
    serverId,
    roles: token.roles,
    certificate: certificate.certificate,
    authority: context.authority.certificate,
    installationId: context.settings.installationId,
  }
}

async function findToken(
  context: MasterContext,
  reader: Reader,
  secret: string,
): Promise<TokenRow> {
  const [token] = await reader
    .select()
    .from(enrollmentTokens)
    .where(eq(enrollmentTokens.secretHash, hashSecret(secret)))
  if (token === undefined) throw new AppError('TOKEN_INVALID', 'cannot enrol: the token is unknown')
  if (token.expiresAtMs <= context.clock.nowMs()) {
    const at = iso(token.expiresAtMs)
    throw new AppError('TOKEN_EXPIRED', `cannot enrol: token expired at ${at}`)
  }
  if (token.uses >= token.maxUses) {
    const times = token.maxUses === 1 ? 'once' : `${token.maxUses} times`
    throw new AppError('TOKEN_USED', `cannot enrol: the token was used ${times} already`)
  }
  return token
}

async function countUse(writer: Writer, token: TokenRow): Promise<void> {
  await writer
    .update(enrollmentTokens)
    .set({ uses: sql`${enrollmentTokens.uses} + 1`, version: token.version + 1 })
    .where(and(eq(enrollmentTokens.id, token.id), lt(enrollmentTokens.uses, token.maxUses)))
}

interface Arrival {
  readonly token: TokenRow
  readonly serverId: string
  readonly request: EnrolRequest
  readonly certificate: AgentCertificate
}

async function place(context: MasterContext, writer: Writer, arrival: Arrival): Promise<void> {
  const { token, serverId, request, certificate } = arrival
  const identity = {
    roles: token.roles,
    platform: request.platform,
    publicKey: certificate.publicKey,
    certificateSerial: certificate.serial,
    certificateExpiresAtMs: certificate.expiresAtMs,
  }
  if (token.serverId !== null) {
    const unseen = { addresses: [], dialsOut: false }
    const back = { ...identity, ...unseen, revokedAtMs: null, revokeReason: null }
    const version = sql`${servers.version} + 1`
    await writer
      .update(servers)
      .set({ ...back, version })
      .where(eq(servers.id, serverId))
    return
  }
  const name = await freeName(writer, request.name)
  const groupId = token.groupId ?? ''
  const createdAtMs = context.clock.nowMs()
  const weight = hardwareWeight(request.platform)
  const row = { id: serverId, name, groupId, weight, ...identity, createdAtMs }
  await writer.insert(servers).values(row)
}

async function freeName(reader: Reader, name: string): Promise<string> {
  const [taken] = await reader.select().from(servers).where(eq(servers.name, name))
  if (taken === undefined) return name
  const message = `cannot enrol: another server is named "${name}"; give another name with --name`
  throw new AppError('NAME_TAKEN', message)
}
