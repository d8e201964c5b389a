import { asc, eq, gt } from 'drizzle-orm'

import { iso } from '../../platform/clock.ts'
import type { Actor, MasterContext } from '../context.ts'
import type { Writer } from '../db/database.ts'
import { hopRules } from '../db/schema.ts'
import type { HopRule, Page, StoredHopRule } from '../model.ts'
import { assertVersion, missing, withScopeIds } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

type HopRuleRow = typeof hopRules.$inferSelect

/** Lists the fleet-wide hop rules in the order they were made. */
export async function listHopRules(
  context: MasterContext,
  page: PageRequest,
): Promise<Page<StoredHopRule>> {
  const after = cursorKey(page, 1)?.[0]
  const rows = await context.database.read
    .select()
    .from(hopRules)
    .where(after === undefined ? undefined : gt(hopRules.id, after))
    .orderBy(asc(hopRules.id))
    .limit(pageLimit(page) + 1)
  return toPage(rows, page, { keyOf: (row) => [row.id], convert: toStored })
}

/** Gives one hop rule; NOT_FOUND. */
export async function getHopRule(context: MasterContext, id: string): Promise<StoredHopRule> {
  const [row] = await context.database.read.select().from(hopRules).where(eq(hopRules.id, id))
  return row === undefined ? missing('hop rule', id) : toStored(row)
}

/** Makes a hop rule; jobs from now on heed it. NOT_FOUND for a place that it names. */
export async function createHopRule(
  context: MasterContext,
  _actor: Actor,
  rule: HopRule,
): Promise<StoredHopRule> {
  const createdAtMs = context.clock.nowMs()
  const created = await changeRules(context, async (transaction) => {
    const known = await withScopeIds(transaction, rule)
    const row = { id: Bun.randomUUIDv7(), rule: known, version: 1, createdAtMs }
    await transaction.insert(hopRules).values(row)
    return row
  })
  return toStored(created)
}

export interface HopRuleUpdate {
  readonly id: string
  /** The whole rule as it is to be. */
  readonly rule: HopRule
  readonly expectedVersion?: number | undefined
}

/** Replaces a hop rule; NOT_FOUND, STALE. */
export async function updateHopRule(
  context: MasterContext,
  _actor: Actor,
  { id, rule, expectedVersion }: HopRuleUpdate,
): Promise<StoredHopRule> {
  const changed = await changeRules(context, async (transaction) => {
    const [row] = await transaction.select().from(hopRules).where(eq(hopRules.id, id))
    if (row === undefined) return missing('hop rule', id)
    assertVersion(row.version, expectedVersion)
    const next = { ...row, rule: await withScopeIds(transaction, rule), version: row.version + 1 }
    await transaction.update(hopRules).set(next).where(eq(hopRules.id, id))
    return next
  })
  return toStored(changed)
}

/** Deletes a hop rule; NOT_FOUND, STALE. */
export async function deleteHopRule(
  context: MasterContext,
  _actor: Actor,
  input: { readonly id: string; readonly expectedVersion?: number | undefined },
): Promise<void> {
  await changeRules(context, async (transaction) => {
    const [row] = await transaction.select().from(hopRules).where(eq(hopRules.id, input.id))
    if (row === undefined) return missing('hop rule', input.id)
    assertVersion(row.version, input.expectedVersion)
    await transaction.delete(hopRules).where(eq(hopRules.id, input.id))
  })
}

async function changeRules<T>(
  context: MasterContext,
  work: (transaction: Writer) => Promise<T>,
): Promise<T> {
  return await context.jobs.change(
    () => context.database.write(work),
    () => 'all',
  )
}

function toStored(row: HopRuleRow): StoredHopRule {
  return { ...row.rule, id: row.id, version: row.version, createdAt: iso(row.createdAtMs) }
}
