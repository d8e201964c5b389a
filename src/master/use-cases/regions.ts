import { and, asc, count, eq, gt } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import { iso } from '../../platform/clock.ts'
import type { Actor, MasterContext } from '../context.ts'
import type { Reader } from '../db/database.ts'
import { groups, policyTargets, regions } from '../db/schema.ts'
import type { Page, Region } from '../model.ts'
import { type RegionRow, assertVersion, findRegion } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

/** Lists regions by name. */
export async function listRegions(
  context: MasterContext,
  filter: PageRequest & { readonly name?: string | undefined },
): Promise<Page<Region>> {
  const after = cursorKey(filter, 1)?.[0]
  const rows = await context.database.read
    .select()
    .from(regions)
    .where(
      and(
        filter.name === undefined ? undefined : eq(regions.name, filter.name),
        after === undefined ? undefined : gt(regions.name, after),
      ),
    )
    .orderBy(asc(regions.name))
    .limit(pageLimit(filter) + 1)
  return toPage(rows, filter, { keyOf: (row) => [row.name], convert: toRegion })
}

/** Gives one region by id or `name:…`; NOT_FOUND. */
export async function getRegion(context: MasterContext, reference: string): Promise<Region> {
  return toRegion(await findRegion(context.database.read, reference))
}

/** Makes a region; NAME_TAKEN, LICENSE_LIMIT. */
export async function createRegion(
  context: MasterContext,
  _actor: Actor,
  input: { readonly name: string },
): Promise<Region> {
  const region = await context.database.write(async (transaction) => {
    await assertNameFree(transaction, { id: '', name: input.name })
    const [used] = await transaction.select({ count: count() }).from(regions)
    context.license.assertLimit('regions', (used?.count ?? 0) + 1)
    const row = {
      id: Bun.randomUUIDv7(),
      name: input.name,
      version: 1,
      createdAtMs: context.clock.nowMs(),
    }
    await transaction.insert(regions).values(row)
    return row
  })
  return toRegion(region)
}

export interface RegionUpdate {
  readonly reference: string
  readonly patch: { readonly name?: string | undefined }
  readonly expectedVersion?: number | undefined
}

/** Renames a region; NOT_FOUND, STALE, NAME_TAKEN. */
export async function updateRegion(
  context: MasterContext,
  _actor: Actor,
  { reference, patch, expectedVersion }: RegionUpdate,
): Promise<Region> {
  const region = await context.database.write(async (transaction) => {
    const row = await findRegion(transaction, reference)
    assertVersion(row.version, expectedVersion)
    const changed = { ...row, name: patch.name ?? row.name, version: row.version + 1 }
    await assertNameFree(transaction, changed)
    await transaction.update(regions).set(changed).where(eq(regions.id, row.id))
    return changed
  })
  return toRegion(region)
}

/** Deletes a region that nothing uses; NOT_FOUND, STALE, IN_USE naming what uses it. */
export async function deleteRegion(
  context: MasterContext,
  _actor: Actor,
  input: { readonly reference: string; readonly expectedVersion?: number | undefined },
): Promise<void> {
  await context.database.write(async (transaction) => {
    const row = await findRegion(transaction, input.reference)
    assertVersion(row.version, input.expectedVersion)
    await assertUnused(transaction, row)
    await transaction.delete(regions).where(eq(regions.id, row.id))
  })
}

function toRegion(row: RegionRow): Region {
  const { id, name, version, createdAtMs } = row
  return { id, name, version, createdAt: iso(createdAtMs) }
}

async function assertNameFree(reader: Reader, wanted: { id: string; name: string }) {
  const [taken] = await reader.select().from(regions).where(eq(regions.name, wanted.name))
  if (taken === undefined || taken.id === wanted.id) return
  throw new AppError('NAME_TAKEN', `cannot name the region "${wanted.name}": another one has it`)
}

async function assertUnused(reader: Reader, region: RegionRow) {
  const users = [
    ...(await reader.select().from(groups).where(eq(groups.regionId, region.id)).limit(3)).map(
      (group) => `group "${group.name}"`,
    ),
    ...(
      await reader
        .select()
        .from(policyTargets)
        .where(eq(policyTargets.regionId, region.id))
        .limit(3)
    ).map((target) => `policy ${target.policyId}`),
  ]
  if (users.length === 0) return
  const message = `cannot delete region "${region.name}": it is used by ${users.join(', ')}`
  throw new AppError('IN_USE', message, { data: { users } })
}
