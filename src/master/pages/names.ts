import { asc, eq, inArray } from 'drizzle-orm'

import type { Place } from '../../../views/pages/servers.tsx'
import type { Names } from '../../../views/types.ts'
import type { AdminContext } from '../api/context.ts'
import { groups, policies, regions, servers } from '../db/schema.ts'
import type { Job } from '../model.ts'

/** Choices in a form end somewhere; a fleet beyond that is edited by the API. */
export const CHOICES_MAX = 2000
/** Parameters of one statement are bounded. */
const IDS_MAX = 500

/** Gives the names of servers and policies by their ids. */
export async function namesOf(
  context: AdminContext,
  ids: { readonly servers?: readonly string[]; readonly policies?: readonly string[] },
): Promise<Names> {
  const { read } = context.database
  const names = new Map<string, string>()
  for (const chunk of chunks(ids.servers ?? [])) {
    const rows = await read
      .select({ id: servers.id, name: servers.name })
      .from(servers)
      .where(inArray(servers.id, chunk))
    for (const { id, name } of rows) names.set(id, name)
  }
  for (const chunk of chunks(ids.policies ?? [])) {
    const rows = await read
      .select({ id: policies.id, name: policies.name })
      .from(policies)
      .where(inArray(policies.id, chunk))
    for (const { id, name } of rows) names.set(id, name)
  }
  return names
}

function chunks(ids: readonly string[]): readonly string[][] {
  const unique = [...new Set(ids)]
  const parts: string[][] = []
  for (let start = 0; start < unique.length; start += IDS_MAX)
    parts.push(unique.slice(start, start + IDS_MAX))
  return parts
}

/** Gives every id that a list of jobs mentions. */
export function idsOfJobs(jobs: readonly Job[]): { servers: string[]; policies: string[] } {
  return {
    policies: jobs.map((job) => job.policyId),
    servers: jobs.flatMap((job) => [
      ...job.sources.map((source) => source.serverId),
      ...job.targets.flatMap((target) => [
        target.serverId,
        ...(target.via === null ? [] : [target.via]),
      ]),
    ]),
  }
}

/** Gives the groups with their regions, by the names of both. */
export async function placesOf(context: AdminContext): Promise<readonly Place[]> {
  const rows = await context.database.read
    .select({
      group: { id: groups.id, name: groups.name },
      region: { id: regions.id, name: regions.name },
    })
    .from(groups)
    .innerJoin(regions, eq(regions.id, groups.regionId))
    .orderBy(asc(regions.name), asc(groups.name))
    .limit(CHOICES_MAX)
  return rows
}

/** Gives servers to choose from, by name, with what they may do; revoked ones are left out. */
export async function serverChoices(context: AdminContext) {
  const rows = await context.database.read
    .select({
      id: servers.id,
      name: servers.name,
      roles: servers.roles,
      revokedAtMs: servers.revokedAtMs,
    })
    .from(servers)
    .orderBy(asc(servers.name))
    .limit(CHOICES_MAX)
  return rows.filter((row) => row.revokedAtMs === null)
}

/** Gives regions by name. */
export async function regionChoices(context: AdminContext) {
  return context.database.read
    .select({ id: regions.id, name: regions.name })
    .from(regions)
    .orderBy(asc(regions.name))
    .limit(CHOICES_MAX)
}

/** Gives policies by name, to choose from. */
export async function policyChoices(context: AdminContext) {
  return context.database.read
    .select({ id: policies.id, name: policies.name })
    .from(policies)
    .orderBy(asc(policies.name))
    .limit(CHOICES_MAX)
}
