import { and, desc, eq, gt, lt } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import { iso } from '../../platform/clock.ts'
import type { Actor } from '../context.ts'
import { isoOrNull } from '../db/reason.ts'
import { apiTokens, users } from '../db/schema.ts'
import type { Page, UserRole } from '../model.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from '../use-cases/paging.ts'
import { recordAct } from './audit.ts'
import type { AuthContext } from './context.ts'
import { lesserRole } from './permissions.ts'
import { API_TOKEN_PREFIX, hashSecret, newSecret } from './secrets.ts'

const DAY_MS = 86_400_000
const TOUCH_MS = 60_000

/** A token for scripts, without its secret. */
export interface ApiToken {
  readonly id: string
  readonly name: string
  readonly userId: string
  readonly userName: string
  readonly role: UserRole
  readonly version: number
  readonly createdAt: string
  readonly expiresAt: string
  readonly lastUsedAt: string | null
}

/** As it is made: the only time that the secret is shown. */
export interface NewApiToken extends ApiToken {
  readonly token: string
}

export interface ApiTokenRequest {
  /** Whose it is: an id or `name:…`. */
  readonly user: string
  readonly name: string
  /** What it may; never more than its account. The account's own role where it is left out. */
  readonly role?: UserRole | undefined
  readonly days: number
  /** What whoever asks may: a token must not beget one that may more. The account's role where it is left out. */
  readonly maximum?: UserRole | undefined
}

/** Makes a token; NOT_FOUND for an unknown account, FORBIDDEN where it asks for more than its account may. */
export async function createApiToken(
  context: AuthContext,
  actor: Actor,
  request: ApiTokenRequest,
): Promise<NewApiToken> {
  const nowMs = context.clock.nowMs()
  const secret = API_TOKEN_PREFIX + newSecret()
  return context.database.write(async (transaction) => {
    const user = await transaction.select().from(users).where(whose(request.user)).get()
    if (user === undefined) throw new AppError('NOT_FOUND', `cannot find user "${request.user}"`)
    const role = request.role ?? user.role
    const allowed = lesserRole(user.role, request.maximum ?? user.role)
    if (lesserRole(role, allowed) !== role)
      throw new AppError(
        'FORBIDDEN',
        `cannot make a token with role "${role}": "${user.name}" may no more than ${allowed}`,
      )
    const row = {
      id: Bun.randomUUIDv7('hex', nowMs),
      userId: user.id,
      name: request.name,
      role,
      tokenHash: hashSecret(secret),
      version: 1,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + request.days * DAY_MS,
      lastUsedAtMs: null,
    }
    await transaction.insert(apiTokens).values(row)
    await recordAct(
      transaction,
      { actor, nowMs },
      {
        action: 'tokens.create',
        objectType: 'token',
        objectId: row.id,
        objectName: row.name,
        details: { role, userName: user.name, days: request.days },
      },
    )
    return { ...toToken(row, user.name), token: secret }
  })
}

function whose(reference: string) {
  return reference.startsWith('name:')
    ? eq(users.name, reference.slice(5))
    : eq(users.id, reference)
}

/** Gives who a bearer token speaks for, or null where it is none, has expired, or its account is disabled. */
export async function findTokenActor(
  context: AuthContext,
  token: string,
  address: string | null,
): Promise<Actor | null> {
  if (!token.startsWith(API_TOKEN_PREFIX)) return null
  const nowMs = context.clock.nowMs()
  const row = await context.database.read
    .select()
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .where(
      and(
        eq(apiTokens.tokenHash, hashSecret(token)),
        gt(apiTokens.expiresAtMs, nowMs),
        eq(users.disabled, false),
      ),
    )
    .get()
  if (row === undefined) return null
  if ((row.api_tokens.lastUsedAtMs ?? 0) < nowMs - TOUCH_MS) await touch(context, row.api_tokens.id)
  const role = lesserRole(row.api_tokens.role, row.users.role)
  return { kind: 'token', userId: row.users.id, name: row.users.name, role, address }
}

async function touch(context: AuthContext, id: string): Promise<void> {
  const lastUsedAtMs = context.clock.nowMs()
  await context.database.write(async (transaction) => {
    await transaction.update(apiTokens).set({ lastUsedAtMs }).where(eq(apiTokens.id, id))
  })
}

export interface ApiTokenQuery extends PageRequest {
  /** Only this account's; all where null. */
  readonly userId: string | null
}

/** Gives tokens, newest first. */
export async function listApiTokens(
  context: AuthContext,
  query: ApiTokenQuery,
): Promise<Page<ApiToken>> {
  const before = cursorKey(query, 1)?.[0]
  const rows = await context.database.read
    .select()
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .where(
      and(
        query.userId === null ? undefined : eq(apiTokens.userId, query.userId),
        before === undefined ? undefined : lt(apiTokens.id, before),
      ),
    )
    .orderBy(desc(apiTokens.id))
    .limit(pageLimit(query) + 1)
  return toPage(rows, query, {
    keyOf: (row) => [row.api_tokens.id],
    convert: (row) => toToken(row.api_tokens, row.users.name),
  })
}

/** Gives a token of this account (of any where null); NOT_FOUND. */
export async function getApiToken(
  context: AuthContext,
  request: { readonly id: string; readonly userId: string | null },
): Promise<ApiToken> {
  const row = await context.database.read
    .select()
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .where(eq(apiTokens.id, request.id))
    .get()
  const foreign = request.userId !== null && row?.users.id !== request.userId
  if (row === undefined || foreign)
    throw new AppError('NOT_FOUND', `cannot find token "${request.id}"`)
  return toToken(row.api_tokens, row.users.name)
}

/** Ends a token of this account (of any where null); NOT_FOUND. */
export async function deleteApiToken(
  context: AuthContext,
  actor: Actor,
  request: { readonly id: string; readonly userId: string | null },
): Promise<void> {
  const nowMs = context.clock.nowMs()
  const token = await getApiToken(context, request)
  await context.database.write(async (transaction) => {
    await transaction.delete(apiTokens).where(eq(apiTokens.id, token.id))
    await recordAct(
      transaction,
      { actor, nowMs },
      {
        action: 'tokens.delete',
        objectType: 'token',
        objectId: token.id,
        objectName: token.name,
      },
    )
  })
}

function toToken(row: typeof apiTokens.$inferSelect, userName: string): ApiToken {
  return {
    id: row.id,
    name: row.name,
    userId: row.userId,
    userName,
    role: row.role,
    version: row.version,
    createdAt: iso(row.createdAtMs),
    expiresAt: iso(row.expiresAtMs),
    lastUsedAt: isoOrNull(row.lastUsedAtMs),
  }
}
