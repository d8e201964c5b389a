import { and, desc, eq, gte, lt, lte } from 'drizzle-orm'
import { z } from 'zod'

import { toAppError } from '../../core/base/errors.ts'
import { iso } from '../../platform/clock.ts'
import type { Actor } from '../context.ts'
import type { Writer } from '../db/database.ts'
import { audit } from '../db/schema.ts'
import type { Page } from '../model.ts'
import { missing } from '../use-cases/lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from '../use-cases/paging.ts'
import type { AuthContext } from './context.ts'

/** One act, as it is kept: who did what to which object, from where, and how it ended. */
export interface AuditRecord {
  readonly id: string
  readonly at: string
  readonly actorId: string | null
  readonly actorName: string
  readonly address: string | null
  readonly action: string
  readonly objectType: string
  readonly objectId: string | null
  readonly objectName: string | null
  readonly outcome: string
  readonly details: Readonly<Record<string, unknown>> | null
}

export interface NewAuditRecord {
  readonly action: string
  readonly objectType: string
  readonly objectId?: string | null
  readonly objectName?: string | null
  /** `done`, or the code with which it was refused. */
  readonly outcome?: string
  readonly details?: Record<string, unknown>
}

/** Says who acts and when, for the record. */
export interface AuditStamp {
  readonly actor: Actor
  readonly nowMs: number
}

/** Writes down an act in the transaction that does it, so that neither exists without the other. Never holds secrets.
 * Gives the id of the record. */
export async function recordAct(
  transaction: Writer,
  { actor, nowMs }: AuditStamp,
  act: NewAuditRecord,
): Promise<string> {
  const id = Bun.randomUUIDv7('hex', nowMs)
  await transaction.insert(audit).values({
    id,
    atMs: nowMs,
    actorId: actor.userId,
    actorName: actor.name,
    address: actor.address,
    action: act.action,
    objectType: act.objectType,
    objectId: act.objectId ?? null,
    objectName: act.objectName ?? null,
    outcome: act.outcome ?? 'done',
    details: act.details ?? null,
  })
  return id
}

export interface AuditQuery extends PageRequest {
  readonly actorName?: string | undefined
  readonly action?: string | undefined
  readonly objectId?: string | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

/** Gives the acts that fit, newest first. */
export async function listAudit(
  context: AuthContext,
  query: AuditQuery,
): Promise<Page<AuditRecord>> {
  const before = cursorKey(query, 1)?.[0]
  const rows = await context.database.read
    .select()
    .from(audit)
    .where(
      and(
        query.actorName === undefined ? undefined : eq(audit.actorName, query.actorName),
        query.action === undefined ? undefined : eq(audit.action, query.action),
        query.objectId === undefined ? undefined : eq(audit.objectId, query.objectId),
        query.fromMs === undefined ? undefined : gte(audit.atMs, query.fromMs),
        query.toMs === undefined ? undefined : lte(audit.atMs, query.toMs),
        before === undefined ? undefined : lt(audit.id, before),
      ),
    )
    .orderBy(desc(audit.id))
    .limit(pageLimit(query) + 1)
  return toPage(rows, query, { keyOf: (row) => [row.id], convert: toRecord })
}

function toRecord({ atMs, ...row }: typeof audit.$inferSelect): AuditRecord {
  return { ...row, at: iso(atMs) }
}

/** Gives one act; NOT_FOUND. */
export async function getAudit(context: AuthContext, id: string): Promise<AuditRecord> {
  const row = await context.database.read.select().from(audit).where(eq(audit.id, id)).get()
  return row === undefined ? missing('audit record', id) : toRecord(row)
}

/**
 * Does a change and writes it down: before, that it begins, and after, how it ended, so that no change is without its
 * record even where the master dies between the two. Gives what the work gives and throws what it throws.
 */
export async function audited<T>(
  context: AuthContext,
  { actor, act }: { readonly actor: Actor; readonly act: NewAuditRecord },
  work: () => Promise<T>,
): Promise<T> {
  const nowMs = context.clock.nowMs()
  const id = await context.database.write((transaction) =>
    recordAct(transaction, { actor, nowMs }, { ...act, outcome: 'begun' }),
  )
  const end = (ending: Ending) =>
    context.database.write((transaction) => closeAct(transaction, id, ending))
  try {
    const result = await work()
    await end({ outcome: 'done', ...identityOf(result) })
    return result
  } catch (thrown) {
    await end({ outcome: toAppError(thrown).code })
    throw thrown
  }
}

interface Ending {
  readonly outcome: string
  readonly objectId?: string
  readonly objectName?: string
}

async function closeAct(transaction: Writer, id: string, ending: Ending): Promise<void> {
  await transaction.update(audit).set(ending).where(eq(audit.id, id))
}

/** What was made or changed names itself, where it can. */
function identityOf(result: unknown): Omit<Ending, 'outcome'> {
  const made = objectSchema.safeParse(result)
  if (!made.success) return {}
  const { id, name } = made.data
  return {
    ...(id === undefined ? {} : { objectId: id }),
    ...(name === undefined ? {} : { objectName: name }),
  }
}

const objectSchema = z.object({ id: z.string().optional(), name: z.string().optional() })
