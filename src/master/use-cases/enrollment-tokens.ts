import { createHash, randomBytes } from 'node:crypto'

import { and, desc, eq, lt } from 'drizzle-orm'

import { iso } from '../../platform/clock.ts'
import type { Actor, MasterContext } from '../context.ts'
import type { Reader } from '../db/database.ts'
import { enrollmentTokens } from '../db/schema.ts'
import type { EnrollmentToken, NewEnrollmentToken, Page, Role } from '../model.ts'
import { assertVersion, findGroup, findServer, missing } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

type TokenRow = typeof enrollmentTokens.$inferSelect

export interface NewTokenInput {
  /** For a new host: the group it comes into. Exactly one of the two is given. */
  readonly groupId?: string | undefined
  /** For a rebuilt host: the server whose place it takes, with that server's group. */
  readonly serverId?: string | undefined
  readonly roles: readonly Role[]
  readonly expiresInS: number
  readonly maxUses: number
}

/** Lists enrolment tokens, newest first, without their secrets. */
export async function listEnrollmentTokens(
  context: MasterContext,
  filter: PageRequest & { readonly groupId?: string; readonly serverId?: string },
): Promise<Page<EnrollmentToken>> {
  const { read } = context.database
  const before = cursorKey(filter, 1)?.[0]
  const rows = await read
    .select()
    .from(enrollmentTokens)
    .where(
      and(
        filter.groupId === undefined
          ? undefined
          : eq(enrollmentTokens.groupId, (await findGroup(read, filter.groupId)).id),
        filter.serverId === undefined
          ? undefined
          : eq(enrollmentTokens.serverId, (await findServer(read, filter.serverId)).id),
        before === undefined ? undefined : lt(enrollmentTokens.id, before),
      ),
    )
    .orderBy(desc(enrollmentTokens.id))
    .limit(pageLimit(filter) + 1)
  return toPage(rows, filter, { keyOf: (row) => [row.id], convert: toToken })
}

/** Gives one enrolment token without its secret; NOT_FOUND. */
export async function getEnrollmentToken(
  context: MasterContext,
  id: string,
): Promise<EnrollmentToken> {
  return toToken(await findToken(context.database.read, id))
}

/** Makes a token that lets hosts enrol. The secret is only in the answer: the master keeps its hash. */
export async function createEnrollmentToken(
  context: MasterContext,
  actor: Actor,
  input: NewTokenInput,
): Promise<NewEnrollmentToken> {
  const secret = randomBytes(32).toString('base64url')
  const nowMs = context.clock.nowMs()
  const row = await context.database.write(async (transaction) => {
    const created = {
      id: Bun.randomUUIDv7(),
      secretHash: hashSecret(secret),
      ...(await placeOf(transaction, input)),
      roles: [...new Set(input.roles)],
      expiresAtMs: nowMs + input.expiresInS * 1000,
      maxUses: input.maxUses,
      uses: 0,
      createdBy: actor.name,
      version: 1,
      createdAtMs: nowMs,
    }
    await transaction.insert(enrollmentTokens).values(created)
    return created
  })
  const token = `cdt1.${secret}.${context.authority.fingerprint}`
  const command = `cd-agent enroll --dir /var/lib/cd-agent --master ${context.settings.gatewayUrl} --token ${token}`
  return { ...toToken(row), token, command }
}

/** Deletes a token: nobody can enrol with it any more; NOT_FOUND, STALE. */
export async function deleteEnrollmentToken(
  context: MasterContext,
  _actor: Actor,
  input: { readonly id: string; readonly expectedVersion?: number | undefined },
): Promise<void> {
  await context.database.write(async (transaction) => {
    const row = await findToken(transaction, input.id)
    assertVersion(row.version, input.expectedVersion)
    await transaction.delete(enrollmentTokens).where(eq(enrollmentTokens.id, row.id))
  })
}

/** The form in which a token's secret is kept: 32 random bytes need no salt and no slow hash. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

async function placeOf(reader: Reader, input: NewTokenInput) {
  if (input.serverId !== undefined) {
    return { groupId: null, serverId: (await findServer(reader, input.serverId)).id }
  }
  return { groupId: (await findGroup(reader, input.groupId ?? '')).id, serverId: null }
}

async function findToken(reader: Reader, id: string): Promise<TokenRow> {
  const [row] = await reader.select().from(enrollmentTokens).where(eq(enrollmentTokens.id, id))
  return row ?? missing('enrolment token', id)
}

function toToken(row: TokenRow): EnrollmentToken {
  const { id, groupId, serverId, roles, maxUses, uses, createdBy, version } = row
  const times = { expiresAt: iso(row.expiresAtMs), createdAt: iso(row.createdAtMs) }
  return { id, groupId, serverId, roles, maxUses, uses, createdBy, version, ...times }
}
