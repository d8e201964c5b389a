import { eq } from 'drizzle-orm'

import type { RoutePlace } from '../../core/route/hop-options.ts'
import type { Reader } from '../db/database.ts'
import { groups, hopRules, servers } from '../db/schema.ts'
import type { HopRule } from '../model.ts'

/** Where a server stands, and how much it is to pass on beside others. */
export interface ServerPlace extends RoutePlace {
  readonly weight: number
  /** Nobody can connect to it. */
  readonly dialsOut: boolean
  /** Of the agent; null where it has not enrolled. */
  readonly publicKey: string | null
}

/** Where servers stand and which rules hold for the whole fleet; read once, and again when the topology changes. */
export interface Topology {
  readonly places: ReadonlyMap<string, ServerPlace>
  readonly hopRules: readonly HopRule[]
}

/** Reads the topology from the database. */
export async function readTopology(reader: Reader): Promise<Topology> {
  const { id: serverId, groupId, weight, dialsOut, publicKey } = servers
  const rows = await reader
    .select({ serverId, groupId, regionId: groups.regionId, weight, dialsOut, publicKey })
    .from(servers)
    .innerJoin(groups, eq(groups.id, servers.groupId))
  const rules = await reader.select().from(hopRules).orderBy(hopRules.id)
  return {
    places: new Map(rows.map((row) => [row.serverId, row])),
    hopRules: rules.map((row) => row.rule),
  }
}
