import { eq, inArray, isNull } from 'drizzle-orm'

import type { Reader, Writer } from '../db/database.ts'
import { bindings, groups, policies, policySources, policyTargets, servers } from '../db/schema.ts'
import { type Root, assertRootsApart } from './roots.ts'

/** What a policy's targets come to: the servers that receive, each with its folder. */
interface Place {
  readonly serverId: string
  readonly path: string
  readonly minFreePercent: number
}

interface Fleet {
  readonly servers: readonly {
    readonly id: string
    readonly groupId: string
    readonly roles: readonly string[]
  }[]
  readonly regionOfGroup: ReadonlyMap<string, string>
}

type TargetRow = typeof policyTargets.$inferSelect

/**
 * Makes the bindings of all policies, or of one, what their targets and the topology say: new ones are added, those
 * without a place any more are removed. Refuses overlapping roots (ROOT_OVERLAP, POLICY_CYCLE).
 */
export async function refreshBindings(writer: Writer, onlyPolicyId?: string): Promise<void> {
  const fleet = await readFleet(writer)
  const all = await writer.select().from(policies)
  const sources = await writer.select().from(policySources)
  const targets = await writer.select().from(policyTargets)
  const roots: Root[] = []
  for (const policy of all) {
    const own = {
      sources: sources.filter((source) => source.policyId === policy.id),
      targets: targets.filter((target) => target.policyId === policy.id),
    }
    const sourceServers = new Set(own.sources.map((source) => source.serverId))
    const places = expandTargets(own.targets, { fleet, sourceServers })
    const name = { policyId: policy.id, policyName: policy.name }
    for (const source of own.sources) {
      roots.push({ ...name, role: 'source', place: source.serverId, path: source.path })
    }
    for (const place of places) {
      roots.push({ ...name, role: 'target', place: place.serverId, path: place.path })
    }
    for (const target of own.targets) {
      for (const groupId of groupsOf(target, fleet)) {
        roots.push({ ...name, role: 'target', place: `group:${groupId}`, path: target.path })
      }
    }
    if (onlyPolicyId === undefined || onlyPolicyId === policy.id) {
      await writeBindings(writer, {
        policyId: policy.id,
        sourceIds: own.sources.map((s) => s.id),
        places,
      })
    }
  }
  assertRootsApart(roots)
}

async function readFleet(reader: Reader): Promise<Fleet> {
  const rows = await reader
    .select({ id: servers.id, groupId: servers.groupId, roles: servers.roles })
    .from(servers)
    .where(isNull(servers.revokedAtMs))
  const groupRows = await reader.select().from(groups)
  return {
    servers: rows,
    regionOfGroup: new Map(groupRows.map((group) => [group.id, group.regionId])),
  }
}

/** A server named itself comes before its group, so that its own settings count; sources are left out of groups. */
function expandTargets(
  targets: readonly TargetRow[],
  { fleet, sourceServers }: { fleet: Fleet; sourceServers: ReadonlySet<string> },
): Place[] {
  const places = new Map<string, Place>()
  const named = targets.toSorted((a, b) => rank(a) - rank(b) || a.position - b.position)
  for (const target of named) {
    for (const server of fleet.servers) {
      const chosen =
        target.serverId === null
          ? groupsOf(target, fleet).has(server.groupId) && !sourceServers.has(server.id)
          : target.serverId === server.id
      if (!chosen || !server.roles.includes('cas')) continue
      const key = `${server.id} ${target.path}`
      const { path, minFreePercent } = target
      if (!places.has(key)) places.set(key, { serverId: server.id, path, minFreePercent })
    }
  }
  return [...places.values()]
}

function rank(target: TargetRow): number {
  return target.serverId !== null ? 0 : target.groupId !== null ? 1 : 2
}

function groupsOf(target: TargetRow, fleet: Fleet): Set<string> {
  if (target.groupId !== null) return new Set([target.groupId])
  const ofRegion = [...fleet.regionOfGroup].filter(([, regionId]) => regionId === target.regionId)
  return new Set(ofRegion.map(([groupId]) => groupId))
}

async function writeBindings(
  writer: Writer,
  wanted: { policyId: string; sourceIds: readonly string[]; places: readonly Place[] },
): Promise<void> {
  const existing = await writer
    .select()
    .from(bindings)
    .where(eq(bindings.policyId, wanted.policyId))
  const known = new Map(existing.map((row) => [keyOf(row), row]))
  for (const sourceId of wanted.sourceIds) {
    for (const place of wanted.places) {
      const key = keyOf({ sourceId, ...place })
      const row = known.get(key)
      known.delete(key)
      if (row === undefined) {
        const id = Bun.randomUUIDv7()
        await writer.insert(bindings).values({ id, policyId: wanted.policyId, sourceId, ...place })
      } else if (row.minFreePercent !== place.minFreePercent) {
        const { minFreePercent } = place
        await writer.update(bindings).set({ minFreePercent }).where(eq(bindings.id, row.id))
      }
    }
  }
  const gone = [...known.values()].map((row) => row.id)
  for (let start = 0; start < gone.length; start += 500) {
    await writer.delete(bindings).where(inArray(bindings.id, gone.slice(start, start + 500)))
  }
}

function keyOf(row: { sourceId: string; serverId: string; path: string }): string {
  return `${row.sourceId} ${row.serverId} ${row.path}`
}
