import { and, desc, eq, gt, lt, ne } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import { iso } from '../../platform/clock.ts'
import type { Actor } from '../context.ts'
import { sessions, users } from '../db/schema.ts'
import { recordAct } from './audit.ts'
import type { AuthContext } from './context.ts'
import { verifyPassword } from './passwords.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { beginAttempt, forgiveAttempt } from './throttle.ts'

/** A session ends when it was not used for so long, and at the latest after the longest life. */
const IDLE_MS = 12 * 3_600_000
const LIFE_MS = 7 * 24 * 3_600_000
/** Use is written down at most so often. */
const TOUCH_MS = 60_000
/** Past that, an account's oldest sessions end. */
const SESSIONS_PER_USER_MAX = 50

export interface Credentials {
  readonly name: string
  readonly password: string
  readonly address: string | null
  readonly userAgent: string | null
  /** The cookie that came with the request: its session ends, so that nobody's old token becomes the new one. */
  readonly formerToken: string | null
}

/** A session as it begins; `token` is the cookie's value and is stored nowhere. */
export interface NewSession {
  readonly token: string
  readonly csrfToken: string
  readonly expiresAt: string
  readonly actor: Actor
}

export interface Session {
  readonly actor: Actor
  readonly csrfToken: string
  readonly expiresAt: string
  readonly tokenHash: string
}

/** A session in the list of one's own. */
export interface SessionSummary {
  readonly id: string
  readonly createdAt: string
  readonly lastUsedAt: string
  readonly expiresAt: string
  readonly address: string | null
  readonly userAgent: string | null
  readonly current: boolean
}

/** Signs in; LOGIN_FAILED says nothing about which of the two was wrong, TOO_MANY_ATTEMPTS carries `retryAfterS`. */
export async function signIn(context: AuthContext, credentials: Credentials): Promise<NewSession> {
  await beginAttempt(context, credentials)
  const user = await findUser(context, credentials.name)
  const known = user?.disabled === false ? user : null
  if (
    !(await verifyPassword(credentials.password, known?.passwordHash ?? null)) ||
    known === null
  ) {
    await recordFailure(context, credentials)
    throw new AppError('LOGIN_FAILED', 'cannot sign in: the name or the password is wrong')
  }
  await forgiveAttempt(context, credentials)
  return beginSession(context, { user: known, credentials })
}

async function findUser(context: AuthContext, name: string) {
  return context.database.read.select().from(users).where(eq(users.name, name)).get()
}

async function recordFailure(context: AuthContext, { name, address }: Credentials): Promise<void> {
  const nowMs = context.clock.nowMs()
  const actor: Actor = {
    kind: 'session',
    userId: null,
    name: name.slice(0, 63),
    role: 'viewer',
    address,
  }
  await context.database.write((transaction) =>
    recordAct(
      transaction,
      { actor, nowMs },
      {
        action: 'session.create',
        objectType: 'session',
        outcome: 'LOGIN_FAILED',
      },
    ),
  )
}

interface Beginning {
  readonly user: typeof users.$inferSelect
  readonly credentials: Credentials
}

async function beginSession(
  context: AuthContext,
  { user, credentials }: Beginning,
): Promise<NewSession> {
  const nowMs = context.clock.nowMs()
  const token = newSecret()
  const session = {
    tokenHash: hashSecret(token),
    userId: user.id,
    csrfToken: newSecret(),
    createdAtMs: nowMs,
    lastUsedAtMs: nowMs,
    expiresAtMs: nowMs + LIFE_MS,
    address: credentials.address,
    userAgent: credentials.userAgent?.slice(0, 300) ?? null,
  }
  const actor = actorOf(user, credentials.address)
  await context.database.write(async (transaction) => {
    await transaction.delete(sessions).where(lt(sessions.expiresAtMs, nowMs))
    await transaction.delete(sessions).where(lt(sessions.lastUsedAtMs, nowMs - IDLE_MS))
    if (credentials.formerToken !== null)
      await transaction
        .delete(sessions)
        .where(eq(sessions.tokenHash, hashSecret(credentials.formerToken)))
    const oldest = await transaction
      .select({ createdAtMs: sessions.createdAtMs })
      .from(sessions)
      .where(eq(sessions.userId, user.id))
      .orderBy(desc(sessions.createdAtMs))
      .limit(1)
      .offset(SESSIONS_PER_USER_MAX - 1)
    const limitMs = oldest[0]?.createdAtMs
    if (limitMs !== undefined)
      await transaction
        .delete(sessions)
        .where(and(eq(sessions.userId, user.id), lt(sessions.createdAtMs, limitMs)))
    await transaction.insert(sessions).values(session)
    await recordAct(
      transaction,
      { actor, nowMs },
      { action: 'session.create', objectType: 'session' },
    )
  })
  return { token, csrfToken: session.csrfToken, expiresAt: iso(session.expiresAtMs), actor }
}

function actorOf(user: typeof users.$inferSelect, address: string | null): Actor {
  return { kind: 'session', userId: user.id, name: user.name, role: user.role, address }
}

/** Gives the session that a cookie stands for, or null where it is none, has ended, or its account is disabled. */
export async function findSession(
  context: AuthContext,
  token: string,
  address: string | null,
): Promise<Session | null> {
  const nowMs = context.clock.nowMs()
  const tokenHash = hashSecret(token)
  const row = await context.database.read
    .select()
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(
      and(
        eq(sessions.tokenHash, tokenHash),
        gt(sessions.expiresAtMs, nowMs),
        gt(sessions.lastUsedAtMs, nowMs - IDLE_MS),
        eq(users.disabled, false),
      ),
    )
    .get()
  if (row === undefined) return null
  if (row.sessions.lastUsedAtMs < nowMs - TOUCH_MS) await touch(context, tokenHash)
  const { csrfToken, expiresAtMs } = row.sessions
  return { actor: actorOf(row.users, address), csrfToken, expiresAt: iso(expiresAtMs), tokenHash }
}

async function touch(context: AuthContext, tokenHash: string): Promise<void> {
  const lastUsedAtMs = context.clock.nowMs()
  await context.database.write(async (transaction) => {
    await transaction
      .update(sessions)
      .set({ lastUsedAtMs })
      .where(eq(sessions.tokenHash, tokenHash))
  })
}

/** Ends a session; nothing happens where it has ended already. */
export async function signOut(context: AuthContext, session: Session): Promise<void> {
  const stamp = { actor: session.actor, nowMs: context.clock.nowMs() }
  await context.database.write(async (transaction) => {
    await transaction.delete(sessions).where(eq(sessions.tokenHash, session.tokenHash))
    await recordAct(transaction, stamp, { action: 'session.end', objectType: 'session' })
  })
}

/** Ends the other sessions of an account: after a change of its password, or because it asks for that. */
export async function endOtherSessions(context: AuthContext, session: Session): Promise<void> {
  const userId = session.actor.userId
  if (userId === null) return
  const stamp = { actor: session.actor, nowMs: context.clock.nowMs() }
  await context.database.write(async (transaction) => {
    await transaction
      .delete(sessions)
      .where(and(eq(sessions.userId, userId), ne(sessions.tokenHash, session.tokenHash)))
    await recordAct(transaction, stamp, { action: 'session.endOthers', objectType: 'session' })
  })
}

/** Gives the open sessions of the account that this one belongs to, the latest used first. */
export async function listSessions(
  context: AuthContext,
  session: Session,
): Promise<readonly SessionSummary[]> {
  const nowMs = context.clock.nowMs()
  const rows = await context.database.read
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, session.actor.userId ?? ''), gt(sessions.expiresAtMs, nowMs)))
    .orderBy(desc(sessions.lastUsedAtMs))
    .limit(SESSIONS_PER_USER_MAX)
  return rows.map((row) => ({
    id: row.tokenHash.slice(0, 16),
    createdAt: iso(row.createdAtMs),
    lastUsedAt: iso(row.lastUsedAtMs),
    expiresAt: iso(row.expiresAtMs),
    address: row.address,
    userAgent: row.userAgent,
    current: row.tokenHash === session.tokenHash,
  }))
}
