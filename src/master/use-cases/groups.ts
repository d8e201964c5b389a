import { and, count, eq, sql } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import { iso } from '../../platform/clock.ts'
import type { Actor, MasterContext } from '../context.ts'
import type { Reader, Writer } from '../db/database.ts'
import { groups, policyTargets, servers } from '../db/schema.ts'
import type { Group, Page } from '../model.ts'
import { refreshBindings } from '../policies/expansion.ts'
import { type GroupRow, assertVersion, findGroup, findRegion } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

export interface GroupFilter extends PageRequest {
  readonly name?: string | undefined
  /** Id or `name:…`. */
  readonly regionId?: string | undefined
}

/** Lists groups by name. */
export async function listGroups(
  context: MasterContext,
  filter: GroupFilter,
): Promise<Page<Group>> {
  const { read } = context.database
  const after = cursorKey(filter, 2)
  const region = filter.regionId === undefined ? null : await findRegion(read, filter.regionId)
  const rows = await read
    .select()
    .from(groups)
    .where(
      and(
        filter.name === undefined ? undefined : eq(groups.name, filter.name),
        region === null ? undefined : eq(groups.regionId, region.id),
        after === null
          ? undefined
          : sql`(${groups.name}, ${groups.id}) > (${after[0]}, ${after[1]})`,
      ),
    )
    .orderBy(groups.name, groups.id)
    .limit(pageLimit(filter) + 1)
  return toPage(rows, filter, { keyOf: (row) => [row.name, row.id], convert: toGroup })
}

/** Gives one group by id or `name:region/group`; NOT_FOUND. */
export async function getGroup(context: MasterContext, reference: string): Promise<Group> {
  return toGroup(await findGroup(context.database.read, reference))
}

/** Makes a group in a region; NOT_FOUND, NAME_TAKEN, LICENSE_LIMIT. */
export async function createGroup(
  context: MasterContext,
  _actor: Actor,
  input: { readonly name: string; readonly regionId: string },
): Promise<Group> {
  const group = await context.database.write(async (transaction) => {
    const region = await findRegion(transaction, input.regionId)
    const wanted = { id: Bun.randomUUIDv7(), name: input.name, regionId: region.id }
    await assertNameFree(transaction, wanted)
    const [used] = await transaction.select({ count: count() }).from(groups)
    context.license.assertLimit('groups', (used?.count ?? 0) + 1)
    const row = { ...wanted, version: 1, createdAtMs: context.clock.nowMs() }
    await transaction.insert(groups).values(row)
    return row
  })
  return toGroup(group)
}

export interface GroupUpdate {
  readonly reference: string
  readonly patch: { readonly name?: string | undefined; readonly regionId?: string | undefined }
  readonly expectedVersion?: number | undefined
}

/** Renames a group or moves it to another region; NOT_FOUND, STALE, NAME_TAKEN, ROOT_OVERLAP. */
export async function updateGroup(
  context: MasterContext,
  _actor: Actor,
  { reference, patch, expectedVersion }: GroupUpdate,
): Promise<Group> {
  const change = async (transaction: Writer) => {
    const row = await findGroup(transaction, reference)
    assertVersion(row.version, expectedVersion)
    const region =
      patch.regionId === undefined ? null : await findRegion(transaction, patch.regionId)
    const changed = {
      ...row,
      name: patch.name ?? row.name,
      regionId: region?.id ?? row.regionId,
      version: row.version + 1,
    }
    await assertNameFree(transaction, changed)
    await transaction.update(groups).set(changed).where(eq(groups.id, row.id))
    if (changed.regionId !== row.regionId) await refreshBindings(transaction)
    return changed
  }
  const write = () => context.database.write(change)
  return toGroup(await context.jobs.change(write, () => 'all'))
}

/** Deletes a group that nothing uses; NOT_FOUND, STALE, IN_USE naming what uses it. */
export async function deleteGroup(
  context: MasterContext,
  _actor: Actor,
  input: { readonly reference: string; readonly expectedVersion?: number | undefined },
): Promise<void> {
  await context.database.write(async (transaction) => {
    const row = await findGroup(transaction, input.reference)
    assertVersion(row.version, input.expectedVersion)
    await assertUnused(transaction, row)
    await transaction.delete(groups).where(eq(groups.id, row.id))
  })
}

function toGroup(row: GroupRow): Group {
  const { id, name, regionId, version, createdAtMs } = row
  return { id, name, regionId, version, createdAt: iso(createdAtMs) }
}

async function assertNameFree(
  reader: Reader,
  wanted: { id: string; name: string; regionId: string },
) {
  const same = and(eq(groups.name, wanted.name), eq(groups.regionId, wanted.regionId))
  const [taken] = await reader.select().from(groups).where(same)
  if (taken === undefined || taken.id === wanted.id) return
  const message = `cannot name the group "${wanted.name}": another one of its region has it`
  throw new AppError('NAME_TAKEN', message)
}

async function assertUnused(reader: Reader, group: GroupRow) {
  const users = [
    ...(await reader.select().from(servers).where(eq(servers.groupId, group.id)).limit(3)).map(
      (server) => `server "${server.name}"`,
    ),
    ...(
      await reader.select().from(policyTargets).where(eq(policyTargets.groupId, group.id)).limit(3)
    ).map((target) => `policy ${target.policyId}`),
  ]
  if (users.length === 0) return
  const message = `cannot delete group "${group.name}": it is used by ${users.join(', ')}`
  throw new AppError('IN_USE', message, { data: { users } })
}
