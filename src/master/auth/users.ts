import { and, asc, eq, gt, ne } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import { iso } from '../../platform/clock.ts'
import type { Actor } from '../context.ts'
import type { Reader, Writer } from '../db/database.ts'
import { apiTokens, sessions, users } from '../db/schema.ts'
import type { Page, UserRole } from '../model.ts'
import { missing, assertVersion } from '../use-cases/lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from '../use-cases/paging.ts'
import { recordAct } from './audit.ts'
import type { AuthContext } from './context.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { beginAttempt, forgiveAttempt } from './throttle.ts'

/** An account, without anything secret. */
export interface User {
  readonly id: string
  readonly name: string
  readonly role: UserRole
  readonly disabled: boolean
  readonly version: number
  readonly createdAt: string
  readonly passwordChangedAt: string
}

export interface NewUser {
  readonly name: string
  readonly password: string
  readonly role: UserRole
}

export interface UserChange {
  readonly role?: UserRole | undefined
  readonly disabled?: boolean | undefined
  readonly password?: string | undefined
}

type UserRow = typeof users.$inferSelect

const NAME = /^[A-Za-z0-9._-]{1,63}$/

/** Makes an account; NAME_TAKEN, INVALID_REQUEST for a name or password that is not allowed. */
export async function createUser(
  context: AuthContext,
  actor: Actor,
  wanted: NewUser,
): Promise<User> {
  if (!NAME.test(wanted.name))
    throw new AppError(
      'INVALID_REQUEST',
      `cannot create user "${wanted.name}": the name must be 1 to 63 of A-Z a-z 0-9 . _ -`,
      { data: { field: 'name' } },
    )
  const passwordHash = await hashPassword(wanted.password)
  const nowMs = context.clock.nowMs()
  const row: UserRow = {
    id: Bun.randomUUIDv7('hex', nowMs),
    name: wanted.name,
    role: wanted.role,
    passwordHash,
    disabled: false,
    version: 1,
    createdAtMs: nowMs,
    passwordChangedAtMs: nowMs,
  }
  await context.database.write(async (transaction) => {
    if ((await byName(transaction, wanted.name)) !== undefined)
      throw new AppError('NAME_TAKEN', `cannot create user "${wanted.name}": the name is taken`)
    await transaction.insert(users).values(row)
    await recordAct(
      transaction,
      { actor, nowMs },
      {
        action: 'users.create',
        objectType: 'user',
        objectId: row.id,
        objectName: row.name,
        details: { role: row.role },
      },
    )
  })
  return toUser(row)
}

/** Gives accounts by name. */
export async function listUsers(context: AuthContext, query: PageRequest): Promise<Page<User>> {
  const after = cursorKey(query, 1)?.[0]
  const rows = await context.database.read
    .select()
    .from(users)
    .where(after === undefined ? undefined : gt(users.name, after))
    .orderBy(asc(users.name))
    .limit(pageLimit(query) + 1)
  return toPage(rows, query, { keyOf: (row) => [row.name], convert: toUser })
}

/** Gives an account by id or `name:…`; NOT_FOUND. */
export async function getUser(context: AuthContext, reference: string): Promise<User> {
  return toUser(await find(context.database.read, reference))
}

/**
 * Changes role, password or whether it may sign in; the account's sessions end where any of these change, its tokens
 * too where it is disabled. IN_USE where no administrator would be left, STALE where `expectedVersion` is not its own.
 */
export async function updateUser(
  context: AuthContext,
  actor: Actor,
  request: {
    readonly reference: string
    readonly change: UserChange
    readonly expectedVersion?: number | undefined
  },
): Promise<User> {
  const { change } = request
  const passwordHash =
    change.password === undefined ? undefined : await hashPassword(change.password)
  const nowMs = context.clock.nowMs()
  return context.database.write(async (transaction) => {
    const row = await find(transaction, request.reference)
    assertVersion(row.version, request.expectedVersion)
    const next: UserRow = {
      ...row,
      role: change.role ?? row.role,
      disabled: change.disabled ?? row.disabled,
      version: row.version + 1,
      ...(passwordHash === undefined ? {} : { passwordHash, passwordChangedAtMs: nowMs }),
    }
    if (!isAdministrator(next)) await assertAdministratorLeft(transaction, row)
    await transaction.update(users).set(next).where(eq(users.id, row.id))
    await transaction.delete(sessions).where(eq(sessions.userId, row.id))
    await recordAct(
      transaction,
      { actor, nowMs },
      {
        action: 'users.change',
        objectType: 'user',
        objectId: row.id,
        objectName: row.name,
        details: { role: next.role, disabled: next.disabled, password: passwordHash !== undefined },
      },
    )
    return toUser(next)
  })
}

/** Deletes an account with its sessions and tokens; IN_USE for the last administrator. */
export async function deleteUser(
  context: AuthContext,
  actor: Actor,
  reference: string,
): Promise<void> {
  const nowMs = context.clock.nowMs()
  await context.database.write(async (transaction) => {
    const row = await find(transaction, reference)
    await assertAdministratorLeft(transaction, row)
    await transaction.delete(sessions).where(eq(sessions.userId, row.id))
    await transaction.delete(apiTokens).where(eq(apiTokens.userId, row.id))
    await transaction.delete(users).where(eq(users.id, row.id))
    await recordAct(
      transaction,
      { actor, nowMs },
      {
        action: 'users.delete',
        objectType: 'user',
        objectId: row.id,
        objectName: row.name,
      },
    )
  })
}

/** Sets an account's password by name, for the command on the master's host; NOT_FOUND. Its sessions end. */
export async function setPassword(
  context: AuthContext,
  actor: Actor,
  request: { readonly name: string; readonly password: string },
): Promise<User> {
  const change = { password: request.password, disabled: false }
  return updateUser(context, actor, { reference: `name:${request.name}`, change })
}

/** Changes one's own password, which takes the old one; LOGIN_FAILED where that is wrong, TOO_MANY_ATTEMPTS. */
export async function changeOwnPassword(
  context: AuthContext,
  actor: Actor,
  request: { readonly current: string; readonly next: string },
): Promise<User> {
  const row = await find(context.database.read, actor.userId ?? '')
  const attempt = { name: row.name, address: actor.address }
  await beginAttempt(context, attempt)
  if (!(await verifyPassword(request.current, row.passwordHash)))
    throw new AppError('LOGIN_FAILED', 'cannot change password: the current password is wrong', {
      data: { field: 'current' },
    })
  await forgiveAttempt(context, attempt)
  return updateUser(context, actor, { reference: row.id, change: { password: request.next } })
}

async function byName(reader: Reader, name: string): Promise<UserRow | undefined> {
  return reader.select().from(users).where(eq(users.name, name)).get()
}

async function find(reader: Reader, reference: string): Promise<UserRow> {
  const row = reference.startsWith('name:')
    ? await byName(reader, reference.slice(5))
    : await reader.select().from(users).where(eq(users.id, reference)).get()
  return row ?? missing('user', reference)
}

function isAdministrator(row: Pick<UserRow, 'role' | 'disabled'>): boolean {
  return row.role === 'admin' && !row.disabled
}

async function assertAdministratorLeft(transaction: Writer, row: UserRow): Promise<void> {
  if (!isAdministrator(row)) return
  const other = await transaction
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.role, 'admin'), eq(users.disabled, false), ne(users.id, row.id)))
    .get()
  if (other === undefined)
    throw new AppError(
      'IN_USE',
      `cannot take the administrator role from "${row.name}": it is the last administrator`,
    )
}

function toUser(row: UserRow): User {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    disabled: row.disabled,
    version: row.version,
    createdAt: iso(row.createdAtMs),
    passwordChangedAt: iso(row.passwordChangedAtMs),
  }
}
