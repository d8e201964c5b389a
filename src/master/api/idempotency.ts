import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

import { and, eq, lt } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import type { AuthContext } from '../auth/context.ts'
import { hashSecret } from '../auth/secrets.ts'
import { idempotencyKeys } from '../db/schema.ts'

const KEPT_MS = 24 * 3_600_000
/** A request that has not ended by then died with the master that worked on it. */
const ABANDONED_MS = 120_000

/** An answer as it is kept for whoever sends the same request again. */
export interface KeptAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface RepeatableRequest {
  /** Who sent it, so that nobody meets another's answer. */
  readonly actor: string
  /** The header `Idempotency-Key`. */
  readonly key: string
  /** Method, path and body: the same key with another request is refused. */
  readonly content: string
}

/**
 * Does the work once for each key within 24 h and gives the first answer again. Only an answer of success is kept: what
 * was refused changed nothing. IDEMPOTENCY_MISMATCH, REQUEST_IN_PROGRESS.
 */
export async function once(
  context: AuthContext,
  request: RepeatableRequest,
  work: () => Promise<KeptAnswer>,
): Promise<KeptAnswer> {
  const kept = await claim(context, request)
  if (kept !== null) return kept
  try {
    const answer = await work()
    await keep(context, request, answer)
    return answer
  } catch (thrown) {
    await release(context, request)
    throw thrown
  }
}

function rowOf({ actor, key }: RepeatableRequest) {
  return and(eq(idempotencyKeys.actor, actor), eq(idempotencyKeys.key, hashSecret(key)))
}

async function claim(context: AuthContext, request: RepeatableRequest): Promise<KeptAnswer | null> {
  const nowMs = context.clock.nowMs()
  const requestHash = hashSecret(request.content)
  return context.database.write(async (transaction) => {
    await transaction
      .delete(idempotencyKeys)
      .where(lt(idempotencyKeys.createdAtMs, nowMs - KEPT_MS))
    const row = await transaction.select().from(idempotencyKeys).where(rowOf(request)).get()
    if (row !== undefined && row.requestHash !== requestHash)
      throw new AppError(
        'IDEMPOTENCY_MISMATCH',
        `cannot accept request: its key "${request.key}" was used for another`,
      )
    if (row?.status != null && row.body !== null)
      return { status: row.status, ...open(request.key, row.body) }
    if (row !== undefined && row.createdAtMs > nowMs - ABANDONED_MS)
      throw new AppError(
        'REQUEST_IN_PROGRESS',
        `cannot accept request: the first one with key "${request.key}" is being worked on`,
      )
    const claimed = { requestHash, status: null, body: null, createdAtMs: nowMs }
    await transaction
      .insert(idempotencyKeys)
      .values({ actor: request.actor, key: hashSecret(request.key), ...claimed })
      .onConflictDoUpdate({ target: [idempotencyKeys.actor, idempotencyKeys.key], set: claimed })
    return null
  })
}

async function keep(
  context: AuthContext,
  request: RepeatableRequest,
  answer: KeptAnswer,
): Promise<void> {
  const { status, headers, body } = answer
  const sealed = seal(request.key, JSON.stringify({ headers, body }))
  await context.database.write(async (transaction) => {
    await transaction.update(idempotencyKeys).set({ status, body: sealed }).where(rowOf(request))
  })
}

async function release(context: AuthContext, request: RepeatableRequest): Promise<void> {
  await context.database.write(async (transaction) => {
    await transaction.delete(idempotencyKeys).where(rowOf(request))
  })
}

// An answer may hold a secret that is shown once. It is kept under the client's key, of which only a hash is stored.

function seal(key: string, text: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', sealingKey(key), nonce)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
}

function open(key: string, sealed: string): Omit<KeptAnswer, 'status'> {
  const bytes = Buffer.from(sealed, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(key), bytes.subarray(0, 12))
  decipher.setAuthTag(bytes.subarray(12, 28))
  const text = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString(
    'utf8',
  )
  return JSON.parse(text) as Omit<KeptAnswer, 'status'>
}

function sealingKey(key: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', 'cd-master idempotency answer', 32))
}
