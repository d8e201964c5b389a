import { type SQL, and, eq } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'

import { AppError } from '../../core/base/errors.ts'
import type { Reader } from '../db/database.ts'
import { groups, jobs, policies, regions, servers } from '../db/schema.ts'
import type { HopRuleScope } from '../model.ts'

export type RegionRow = typeof regions.$inferSelect
export type GroupRow = typeof groups.$inferSelect
export type ServerRow = typeof servers.$inferSelect
export type PolicyRow = typeof policies.$inferSelect

const NAME_PREFIX = 'name:'

/** Finds a region by its id or `name:…`; NOT_FOUND. */
export async function findRegion(reader: Reader, reference: string): Promise<RegionRow> {
  const condition = idOrName(reference, regions)
  const [row] = await reader.select().from(regions).where(condition).limit(1)
  return row ?? missing('region', reference)
}

/** Finds a group by its id, `name:region/group`, or `name:group` where only one region has it; NOT_FOUND. */
export async function findGroup(reader: Reader, reference: string): Promise<GroupRow> {
  const rows = await reader
    .select({ group: groups })
    .from(groups)
    .innerJoin(regions, eq(groups.regionId, regions.id))
    .where(groupCondition(reference))
    .limit(2)
  if (rows.length > 1) throw ambiguous(reference)
  return rows[0]?.group ?? missing('group', reference)
}

/** Finds a server by its id or `name:web-1`; NOT_FOUND. */
export async function findServer(reader: Reader, reference: string): Promise<ServerRow> {
  const [row] = await reader.select().from(servers).where(idOrName(reference, servers)).limit(1)
  return row ?? missing('server', reference)
}

/** Finds the id of a server, a group or a region, whichever the reference names first in this order; NOT_FOUND. */
async function findPlaceId(reader: Reader, reference: string): Promise<string> {
  for (const find of [findServer, findGroup, findRegion]) {
    try {
      return (await find(reader, reference)).id
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'NOT_FOUND') throw thrown
    }
  }
  return missing('server, group or region', reference)
}

/** Gives a hop rule with ids where its scope may hold names; NOT_FOUND. */
export async function withScopeIds<T extends { readonly scope: HopRuleScope }>(
  reader: Reader,
  rule: T,
): Promise<T> {
  const { scope } = rule
  if (typeof scope === 'string') return rule
  const from = await findPlaceId(reader, scope.from)
  const to = await findPlaceId(reader, scope.to)
  return { ...rule, scope: { from, to } }
}

/** Finds a policy by its id or `name:…`; NOT_FOUND. */
export async function findPolicy(reader: Reader, reference: string): Promise<PolicyRow> {
  const [row] = await reader.select().from(policies).where(idOrName(reference, policies)).limit(1)
  return row ?? missing('policy', reference)
}

/** Finds a job by its id; NOT_FOUND. */
export async function findJob(reader: Reader, id: string): Promise<typeof jobs.$inferSelect> {
  const [row] = await reader.select().from(jobs).where(eq(jobs.id, id)).limit(1)
  return row ?? missing('job', id)
}

/** Refuses with STALE where the caller read another version than the stored one. */
export function assertVersion(stored: number, expected: number | undefined): void {
  if (expected === undefined || expected === stored) return
  throw new AppError('STALE', `cannot change version ${expected}: it is version ${stored} now`)
}

/** Throws NOT_FOUND for a kind of object and how it was named. */
export function missing(kind: string, reference: string): never {
  throw new AppError('NOT_FOUND', `cannot find ${kind} "${reference.slice(0, 200)}"`)
}

function idOrName(reference: string, table: { id: SQLiteColumn; name: SQLiteColumn }): SQL {
  return reference.startsWith(NAME_PREFIX)
    ? eq(table.name, reference.slice(NAME_PREFIX.length))
    : eq(table.id, reference)
}

function groupCondition(reference: string): SQL | undefined {
  if (!reference.startsWith(NAME_PREFIX)) return eq(groups.id, reference)
  const [first = '', second] = reference.slice(NAME_PREFIX.length).split('/')
  if (second === undefined) return eq(groups.name, first)
  return and(eq(regions.name, first), eq(groups.name, second))
}

function ambiguous(reference: string): AppError {
  const message = `cannot tell which group "${reference}" is: name it as name:region/group`
  return new AppError('INVALID_REQUEST', message)
}
