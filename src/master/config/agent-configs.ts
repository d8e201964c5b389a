import { asc, eq, isNull } from 'drizzle-orm'

import { scopeBetween } from '../../core/route/hop-options.ts'
import type { AgentConfig, Peer, SourceConfig, TargetConfig } from '../../core/wire/control.ts'
import type { Authority } from '../authority.ts'
import type { Reader } from '../db/database.ts'
import { bindings, policies, policySources, servers } from '../db/schema.ts'
import { readTopology } from '../jobs/topology.ts'
import type { PolicyRow, ServerRow } from '../use-cases/lookup.ts'
import { mayBePlain } from './plain-hops.ts'

/** A configuration but for what differs from one sending to the next. */
export type ConfigBody = Omit<
  AgentConfig,
  'type' | 'revision' | 'authorityPem' | 'ticketKey' | 'leaseUntil'
>

type SourceRow = typeof policySources.$inferSelect
type BindingRow = typeof bindings.$inferSelect

interface Snapshot {
  readonly servers: ReadonlyMap<string, ServerRow>
  readonly policies: ReadonlyMap<string, PolicyRow>
  readonly sources: ReadonlyMap<string, SourceRow>
  readonly bindings: readonly BindingRow[]
}

/** Makes the configurations of these servers; revoked ones have none, and nobody's names them. */
export async function buildConfigs(
  reader: Reader,
  serverIds: Iterable<string>,
  authority: Pick<Authority, 'hopKey'>,
): Promise<Map<string, ConfigBody>> {
  const snapshot = await readSnapshot(reader)
  const sourcesOf = Map.groupBy(snapshot.sources.values(), (source) => source.serverId)
  const bindingsOf = Map.groupBy(snapshot.bindings, (binding) => binding.serverId)
  const membersOf = readMembers(snapshot)
  const { places, hopRules } = await readTopology(reader)
  const hops = { places, ceilings: hopRules }
  const configs = new Map<string, ConfigBody>()
  for (const serverId of serverIds) {
    const server = snapshot.servers.get(serverId)
    if (server === undefined) continue
    const sources = (sourcesOf.get(serverId) ?? []).flatMap((row) => toSource(snapshot, row))
    const received = bindingsOf.get(serverId) ?? []
    const placed = Map.groupBy(received, placeOf)
    const targets = received.flatMap((row) =>
      toTarget(snapshot, row, placed.get(placeOf(row)) ?? []),
    )
    const own: ReadonlySet<string> = new Set([...sources, ...targets].map((item) => item.policyId))
    const peerIds = new Set([...own].flatMap((policyId) => [...(membersOf.get(policyId) ?? [])]))
    peerIds.delete(serverId)
    const peers = [...peerIds].flatMap((id) => {
      const shared = [...own].filter((policyId) => membersOf.get(policyId)?.has(id))
      const policies = shared.map((policyId) => snapshot.policies.get(policyId)?.body.hops ?? [])
      const isPlain = mayBePlain({ ...hops, policies }, serverId, id)
      const [here, there] = [places.get(serverId), places.get(id)]
      return toPeer(snapshot, id, {
        ...(here && there && { scope: scopeBetween(here, there) }),
        ...(isPlain && { hopKey: authority.hopKey(serverId, id) }),
      })
    })
    configs.set(serverId, { serverId, roles: server.roles, sources, targets, peers })
  }
  return configs
}

async function readSnapshot(reader: Reader): Promise<Snapshot> {
  const serverRows = await reader.select().from(servers).where(isNull(servers.revokedAtMs))
  const policyRows = await reader.select().from(policies)
  const sourceRows = await reader.select().from(policySources).orderBy(asc(policySources.id))
  const bindingRows = await reader
    .select({ binding: bindings })
    .from(bindings)
    .innerJoin(servers, eq(servers.id, bindings.serverId))
    .where(isNull(servers.revokedAtMs))
    .orderBy(asc(bindings.id))
  const live = new Map(serverRows.map((row) => [row.id, row]))
  const sources = sourceRows.filter((row) => live.has(row.serverId))
  return {
    servers: live,
    policies: new Map(policyRows.map((row) => [row.id, row])),
    sources: new Map(sources.map((row) => [row.id, row])),
    bindings: bindingRows.map((row) => row.binding),
  }
}

/** The servers that take part in each policy. */
function readMembers(snapshot: Snapshot): ReadonlyMap<string, ReadonlySet<string>> {
  const members = new Map<string, Set<string>>()
  for (const { policyId, serverId } of [...snapshot.sources.values(), ...snapshot.bindings]) {
    const known = members.get(policyId) ?? new Set()
    members.set(policyId, known.add(serverId))
  }
  return members
}

function toSource(snapshot: Snapshot, row: SourceRow): SourceConfig[] {
  const policy = snapshot.policies.get(row.policyId)
  if (policy === undefined) return []
  const { filter, metadata, deletes, maxDelete } = policy.body
  return [
    {
      policyId: row.policyId,
      sourceId: row.id,
      path: row.path,
      requireMount: row.requireMount,
      filter,
      metadata,
      viewRevision: row.viewRevision,
      // Where targets keep what is deleted, nothing is to be held.
      deletionLimit: deletes === 'keep' ? null : maxDelete,
      known: row.epoch === null ? null : { epoch: row.epoch, seq: row.recordedSeq },
    },
  ]
}

function toTarget(
  snapshot: Snapshot,
  row: BindingRow,
  atPlace: readonly BindingRow[],
): TargetConfig[] {
  const policy = snapshot.policies.get(row.policyId)
  const source = snapshot.sources.get(row.sourceId)
  const sourceKey = snapshot.servers.get(source?.serverId ?? '')?.publicKey
  if (policy === undefined || source === undefined || !sourceKey) return []
  const { deletes, firstContact, filter, metadata } = policy.body
  return [
    {
      policyId: row.policyId,
      bindingId: row.id,
      sourceId: row.sourceId,
      sourceServerId: source.serverId,
      sourceKey,
      path: row.path,
      ...unionOf(snapshot, row, atPlace),
      deletes,
      firstContact,
      minFreePercent: row.minFreePercent,
      filter,
      metadata,
      policyRevision: policy.version,
    },
  ]
}

function placeOf({ policyId, path }: BindingRow): string {
  return `${policyId} ${path}`
}

/** How a source stands to the others of its policy that come to the same root; nothing where there are none. */
function unionOf(
  { sources, policies }: Snapshot,
  row: BindingRow,
  atPlace: readonly BindingRow[],
): Pick<TargetConfig, 'union'> {
  const orderOf = ({ sourceId }: BindingRow) => sources.get(sourceId)?.position ?? 0
  const others = atPlace
    .filter((other) => other.id !== row.id && sources.has(other.sourceId))
    .map((other) => ({ bindingId: other.id, order: orderOf(other) }))
  const conflict = policies.get(row.policyId)?.body.conflict
  if (others.length === 0 || conflict === undefined) return {}
  return { union: { order: orderOf(row), conflict, others } }
}

function toPeer(
  snapshot: Snapshot,
  serverId: string,
  between: Pick<Peer, 'scope' | 'hopKey'>,
): Peer[] {
  const server = snapshot.servers.get(serverId)
  return server === undefined
    ? []
    : [{ serverId, name: server.name, addresses: server.addresses, ...between }]
}
