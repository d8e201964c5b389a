import { and, asc, eq, inArray, notInArray } from 'drizzle-orm'

import { iso } from '../../platform/clock.ts'
import type { Actor } from '../context.ts'
import type { Reader, Writer } from '../db/database.ts'
import { policies, policyRevisions, policySources, policyTargets } from '../db/schema.ts'
import type { Policy } from '../model.ts'
import {
  type PolicyFields,
  type PolicyHop,
  type PolicySource,
  type PolicyTarget,
  bodyOf,
} from '../policy-schema.ts'
import {
  type PolicyRow,
  findGroup,
  findRegion,
  findServer,
  withScopeIds,
} from '../use-cases/lookup.ts'
import { assertOnRoute, withServerIds } from './chains.ts'
import { refreshBindings } from './expansion.ts'
import { rootPath, shownPath } from './roots.ts'
import { policyWarnings } from './rules.ts'

export interface PolicyWrite {
  readonly row: PolicyRow
  readonly fields: PolicyFields
  readonly actor: Actor
  readonly nowMs: number
}

/**
 * Writes a policy whole: its row (new or known), sources (one with the same server and path keeps its id and what is
 * known of it), targets, bindings and the revision. NOT_FOUND, PATH_INVALID, ROOT_OVERLAP,
 * POLICY_CYCLE, ROUTE_INVALID.
 */
export async function writePolicy(writer: Writer, write: PolicyWrite): Promise<void> {
  const { fields } = write
  const hops: PolicyHop[] = []
  for (const hop of fields.hops) hops.push(await withScopeIds(writer, hop))
  const route = await withServerIds(writer, fields.route)
  const row = { ...write.row, body: { ...write.row.body, hops, route } }
  await writer.insert(policies).values(row).onConflictDoUpdate({ target: policies.id, set: row })
  await writeSources(writer, write)
  await writeTargets(writer, row.id, fields.targets)
  await refreshBindings(writer, row.id)
  await assertOnRoute(writer, row.id, route)
  const written = await readPolicyFields(writer, row)
  await writer.insert(policyRevisions).values({
    policyId: row.id,
    version: row.version,
    policy: written,
    changedBy: write.actor.name,
    changedAtMs: write.nowMs,
  })
}

async function writeSources(writer: Writer, { row, fields }: PolicyWrite): Promise<void> {
  const kept: string[] = []
  for (const [position, source] of fields.sources.entries()) {
    kept.push(await writeSource(writer, { policyId: row.id, position, source }))
  }
  const gone = and(eq(policySources.policyId, row.id), notInArray(policySources.id, kept))
  await writer.delete(policySources).where(gone)
}

async function writeSource(
  writer: Writer,
  order: { policyId: string; position: number; source: PolicySource },
): Promise<string> {
  const { policyId, position, source } = order
  const place = {
    policyId,
    serverId: (await findServer(writer, source.serverId)).id,
    path: rootPath(source),
  }
  const [row] = await writer
    .insert(policySources)
    .values({ id: Bun.randomUUIDv7(), ...place, position, requireMount: source.requireMount })
    .onConflictDoUpdate({
      target: [policySources.policyId, policySources.serverId, policySources.path],
      set: { position, requireMount: source.requireMount },
    })
    .returning({ id: policySources.id })
  return row?.id ?? ''
}

async function writeTargets(
  writer: Writer,
  policyId: string,
  targets: readonly PolicyTarget[],
): Promise<void> {
  await writer.delete(policyTargets).where(eq(policyTargets.policyId, policyId))
  for (const [position, target] of targets.entries()) {
    const place = {
      policyId,
      position,
      path: rootPath(target),
      minFreePercent: target.minFreePercent,
    }
    await writer
      .insert(policyTargets)
      .values({ ...place, ...(await resolveTarget(writer, target)) })
  }
}

async function resolveTarget(reader: Reader, target: PolicyTarget) {
  if ('serverId' in target) return { serverId: (await findServer(reader, target.serverId)).id }
  if ('groupId' in target) return { groupId: (await findGroup(reader, target.groupId)).id }
  return { regionId: (await findRegion(reader, target.regionId)).id }
}

/** Raises the view revision of a policy's sources: what is sent changed by filter or metadata. */
export async function raiseViewRevision(writer: Writer, policyId: string): Promise<void> {
  const rows = await writer.select().from(policySources).where(eq(policySources.policyId, policyId))
  for (const row of rows) {
    await writer
      .update(policySources)
      .set({ viewRevision: row.viewRevision + 1 })
      .where(eq(policySources.id, row.id))
  }
}

/** Gives the fields of a stored policy. */
export async function readPolicyFields(reader: Reader, row: PolicyRow): Promise<PolicyFields> {
  const [fields] = await readFields(reader, [row])
  if (fields === undefined) throw new Error(`policy ${row.id} has no fields`)
  return fields
}

/** Gives stored policies as the API shows them, in the same order. */
export async function toPolicies(reader: Reader, rows: readonly PolicyRow[]): Promise<Policy[]> {
  const all = await readFields(reader, rows)
  return rows.flatMap((row, index) => {
    const fields = all[index]
    if (fields === undefined) return []
    const { id, version, pauseReason } = row
    const times = { createdAt: iso(row.createdAtMs), updatedAt: iso(row.updatedAtMs) }
    return [{ ...fields, id, version, ...times, pauseReason, warnings: policyWarnings(fields) }]
  })
}

async function readFields(reader: Reader, rows: readonly PolicyRow[]): Promise<PolicyFields[]> {
  const ids = rows.map((row) => row.id)
  const sources = await reader
    .select()
    .from(policySources)
    .where(inArray(policySources.policyId, ids))
    .orderBy(asc(policySources.position))
  const targets = await reader
    .select()
    .from(policyTargets)
    .where(inArray(policyTargets.policyId, ids))
    .orderBy(asc(policyTargets.position))
  return rows.map((row) => ({
    ...bodyOf({ ...row.body, name: row.name, enabled: row.enabled, sources: [], targets: [] }),
    name: row.name,
    enabled: row.enabled,
    sources: sources.filter((source) => source.policyId === row.id).map(toSource),
    targets: targets.filter((target) => target.policyId === row.id).map(toTarget),
  }))
}

function toSource(row: typeof policySources.$inferSelect): PolicySource {
  return { serverId: row.serverId, ...shownPath(row.path), requireMount: row.requireMount }
}

function toTarget(row: typeof policyTargets.$inferSelect): PolicyTarget {
  const place = { ...shownPath(row.path), minFreePercent: row.minFreePercent }
  if (row.serverId !== null) return { serverId: row.serverId, ...place }
  if (row.groupId !== null) return { groupId: row.groupId, ...place }
  return { regionId: row.regionId ?? '', ...place }
}
