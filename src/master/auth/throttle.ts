import { inArray, lt } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import type { Writer } from '../db/database.ts'
import { loginAttempts } from '../db/schema.ts'
import type { AuthContext } from './context.ts'

/** Free failures, then the first wait, which doubles with each further failure up to the longest. */
interface Allowance {
  readonly free: number
  readonly firstWaitMs: number
  readonly longestWaitMs: number
}

/** A name is slowed down but never locked out for long: else anyone could lock out the administrator. */
const PER_NAME: Allowance = { free: 5, firstWaitMs: 1000, longestWaitMs: 60_000 }
/** Many people may share an address, so it has more, and then waits longer. */
const PER_ADDRESS: Allowance = { free: 20, firstWaitMs: 2000, longestWaitMs: 900_000 }
const FORGOTTEN_AFTER_MS = 3_600_000

export interface LoginAttempt {
  readonly name: string
  readonly address: string | null
}

/**
 * Counts an attempt as failed before the password is looked at, so that a thousand at once are a thousand; a success
 * takes it back. Throws TOO_MANY_ATTEMPTS with `retryAfterS` where the name or the address has to wait.
 */
export async function beginAttempt(context: AuthContext, attempt: LoginAttempt): Promise<void> {
  const nowMs = context.clock.nowMs()
  await context.database.write(async (transaction) => {
    await transaction
      .delete(loginAttempts)
      .where(lt(loginAttempts.updatedAtMs, nowMs - FORGOTTEN_AFTER_MS))
    const limits = limitsOf(attempt)
    const rows = await transaction
      .select()
      .from(loginAttempts)
      .where(inArray(loginAttempts.key, [...limits.keys()]))
    const blockedUntilMs = rows.reduce((latest, row) => Math.max(latest, row.blockedUntilMs), 0)
    if (blockedUntilMs > nowMs) throw tooMany(blockedUntilMs - nowMs)
    const failures = new Map(rows.map((row) => [row.key, row.failures]))
    for (const [key, allowance] of limits) {
      await count(transaction, { key, failures: (failures.get(key) ?? 0) + 1, allowance, nowMs })
    }
  })
}

/** Takes the failures back after a success. */
export async function forgiveAttempt(context: AuthContext, attempt: LoginAttempt): Promise<void> {
  await context.database.write(async (transaction) => {
    await transaction
      .delete(loginAttempts)
      .where(inArray(loginAttempts.key, [...limitsOf(attempt).keys()]))
  })
}

function limitsOf({ name, address }: LoginAttempt): Map<string, Allowance> {
  // Hashed: a name may be long, and a password typed into the wrong field must not be kept.
  const limits = new Map([
    [`name:${new Bun.CryptoHasher('sha256').update(name).digest('hex')}`, PER_NAME],
  ])
  if (address !== null) limits.set(`address:${address}`, PER_ADDRESS)
  return limits
}

interface Count {
  readonly key: string
  readonly failures: number
  readonly allowance: Allowance
  readonly nowMs: number
}

async function count(
  transaction: Writer,
  { key, failures, allowance, nowMs }: Count,
): Promise<void> {
  const row = { failures, blockedUntilMs: nowMs + waitMs(failures, allowance), updatedAtMs: nowMs }
  await transaction
    .insert(loginAttempts)
    .values({ key, ...row })
    .onConflictDoUpdate({ target: loginAttempts.key, set: row })
}

function waitMs(failures: number, allowance: Allowance): number {
  if (failures < allowance.free) return 0
  const doublings = Math.min(failures - allowance.free, 30)
  return Math.min(allowance.longestWaitMs, allowance.firstWaitMs * 2 ** doublings)
}

function tooMany(leftMs: number): AppError {
  const retryAfterS = Math.ceil(leftMs / 1000)
  return new AppError(
    'TOO_MANY_ATTEMPTS',
    `cannot sign in: too many failures, wait ${retryAfterS} s`,
    {
      data: { retryAfterS },
    },
  )
}
