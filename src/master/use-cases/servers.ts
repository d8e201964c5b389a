import { type SQL, and, asc, eq, gt, or, sql } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import { iso } from '../../platform/clock.ts'
import type { Actor, MasterContext } from '../context.ts'
import type { Reader, Writer } from '../db/database.ts'
import { isoOrNull } from '../db/reason.ts'
import { enrollmentTokens, groups, policySources, policyTargets, servers } from '../db/schema.ts'
import type { FolderEntry, Page, Role, Server, ServerMode, ServerState } from '../model.ts'
import { refreshBindings } from '../policies/expansion.ts'
import { rootPath } from '../policies/roots.ts'
import { certificateView } from './agent-certificates.ts'
import { type ServerRow, assertVersion, findGroup, findRegion, findServer } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

export interface ServerFilter extends PageRequest {
  readonly name?: string | undefined
  readonly groupId?: string | undefined
  readonly regionId?: string | undefined
  readonly mode?: ServerMode | undefined
  /** Any of these. */
  readonly states?: readonly ServerState[] | undefined
}

/** Lists servers by name. */
export async function listServers(
  context: MasterContext,
  filter: ServerFilter,
): Promise<Page<Server>> {
  const { read } = context.database
  const after = cursorKey(filter, 1)?.[0]
  const rows = await read
    .select()
    .from(servers)
    .where(
      and(
        await placeCondition(read, filter),
        filter.name === undefined ? undefined : eq(servers.name, filter.name),
        filter.mode === undefined ? undefined : eq(servers.mode, filter.mode),
        filter.states && or(...filter.states.map((state) => stateCondition(context, state))),
        after === undefined ? undefined : gt(servers.name, after),
      ),
    )
    .orderBy(asc(servers.name))
    .limit(pageLimit(filter) + 1)
  const convert = (row: ServerRow) => toServer(context, row)
  return toPage(rows, filter, { keyOf: (row) => [row.name], convert })
}

/** Gives one server by id or `name:…`; NOT_FOUND. */
export async function getServer(context: MasterContext, reference: string): Promise<Server> {
  return toServer(context, await findServer(context.database.read, reference))
}

export interface ServerUpdate {
  readonly reference: string
  readonly patch: {
    readonly name?: string | undefined
    readonly groupId?: string | undefined
    readonly roles?: readonly Role[] | undefined
    readonly weight?: number | undefined
    readonly mode?: ServerMode | undefined
  }
  readonly expectedVersion?: number | undefined
}

/** Changes what is wanted of a server; NOT_FOUND, STALE, NAME_TAKEN, ROOT_OVERLAP, LICENSE_LIMIT. */
export async function updateServer(
  context: MasterContext,
  _actor: Actor,
  { reference, patch, expectedVersion }: ServerUpdate,
): Promise<Server> {
  const change = async (writer: Writer) => {
    const row = await findServer(writer, reference)
    assertVersion(row.version, expectedVersion)
    const group = patch.groupId === undefined ? null : await findGroup(writer, patch.groupId)
    const changed: ServerRow = {
      ...row,
      name: patch.name ?? row.name,
      groupId: group?.id ?? row.groupId,
      roles: patch.roles === undefined ? row.roles : [...new Set(patch.roles)],
      weight: patch.weight ?? row.weight,
      mode: patch.mode ?? row.mode,
      version: row.version + 1,
    }
    await assertNameFree(writer, changed)
    await writer.update(servers).set(changed).where(eq(servers.id, row.id))
    if (patch.roles !== undefined) await assertRoleLimits(writer, context)
    await refreshBindings(writer)
    return changed
  }
  const row = await changeServers(context, change)
  return announce(context, row)
}

/**
 * Revokes a server whatever uses it: its connection is closed, it is no target any more, no agent accepts it. Gives
 * whom the news has reached, and who will learn of it when it connects. NOT_FOUND.
 */
export async function revokeServer(
  context: MasterContext,
  _actor: Actor,
  input: { readonly reference: string; readonly reason: string },
): Promise<{ readonly acknowledgedBy: readonly string[]; readonly pending: readonly string[] }> {
  const change = async (writer: Writer) => {
    const row = await findServer(writer, input.reference)
    const revoked: ServerRow = {
      ...row,
      publicKey: null,
      revokedAtMs: row.revokedAtMs ?? context.clock.nowMs(),
      revokeReason: input.reason,
      version: row.version + 1,
    }
    await writer.update(servers).set(revoked).where(eq(servers.id, row.id))
    await writer.delete(enrollmentTokens).where(eq(enrollmentTokens.serverId, row.id))
    await refreshBindings(writer)
    return revoked
  }
  const row = await changeServers(context, change)
  const message = `this agent was revoked: ${input.reason}`
  context.fleet.disconnect(row.id, { code: 'AGENT_REVOKED', message })
  announce(context, row)
  return await whoKnows(context, row.id)
}

/** Deletes a revoked server that no policy names; NOT_FOUND, STALE, IN_USE naming what uses it. */
export async function deleteServer(
  context: MasterContext,
  _actor: Actor,
  input: { readonly reference: string; readonly expectedVersion?: number | undefined },
): Promise<void> {
  await changeServers(context, async (writer) => {
    const row = await findServer(writer, input.reference)
    assertVersion(row.version, input.expectedVersion)
    await assertUnused(writer, row)
    await writer.delete(servers).where(eq(servers.id, row.id))
    return row
  })
}

/** Lists a folder of a host, within what the host allows; NOT_FOUND, PEER_UNREACHABLE, ROOT_REFUSED. */
export async function listServerFiles(
  context: MasterContext,
  input: { readonly reference: string; readonly path: string; readonly pathBytes?: string },
): Promise<readonly FolderEntry[]> {
  const row = await findServer(context.database.read, input.reference)
  return await context.fleet.listFiles(row.id, rootPath(input))
}

/** Refuses with LICENSE_LIMIT where more servers have a role than the licence allows. */
export async function assertRoleLimits(
  reader: Reader,
  { license }: Pick<MasterContext, 'license'>,
): Promise<void> {
  const rows = await reader
    .select({ roles: servers.roles, revokedAtMs: servers.revokedAtMs })
    .from(servers)
  const active = rows.filter((row) => row.revokedAtMs === null)
  for (const role of ['cas', 'cms'] as const) {
    license.assertLimit(role, active.filter((row) => row.roles.includes(role)).length)
  }
}

async function changeServers(
  context: MasterContext,
  change: (writer: Writer) => Promise<ServerRow>,
): Promise<ServerRow> {
  return await context.jobs.change(
    () => context.database.write(change),
    () => 'all',
  )
}

async function whoKnows(context: MasterContext, revokedId: string) {
  const rows = await context.database.read
    .select({ id: servers.id, revokedAtMs: servers.revokedAtMs })
    .from(servers)
  const others = rows.filter((row) => row.revokedAtMs === null && row.id !== revokedId)
  const connected = others.filter((row) => context.fleet.isConnected(row.id))
  const pending = others.filter((row) => !context.fleet.isConnected(row.id))
  return { acknowledgedBy: connected.map((row) => row.id), pending: pending.map((row) => row.id) }
}

async function placeCondition(reader: Reader, filter: ServerFilter): Promise<SQL | undefined> {
  const conditions: SQL[] = []
  if (filter.groupId !== undefined) {
    conditions.push(eq(servers.groupId, (await findGroup(reader, filter.groupId)).id))
  }
  if (filter.regionId !== undefined) {
    const region = await findRegion(reader, filter.regionId)
    conditions.push(
      sql`${servers.groupId} IN (SELECT ${groups.id} FROM ${groups} WHERE ${groups.regionId} = ${region.id})`,
    )
  }
  return and(...conditions)
}

/** The states are observed, not stored; what is stored decides them together with who is connected. */
function stateCondition(context: MasterContext, state: ServerState): SQL {
  const ids = JSON.stringify(context.fleet.connectedIds())
  const connected = sql`${servers.id} IN (SELECT value FROM json_each(${ids}))`
  const present = sql`${servers.revokedAtMs} IS NULL`
  if (state === 'revoked') return sql`${servers.revokedAtMs} IS NOT NULL`
  if (state === 'up') return sql`(${present} AND ${connected})`
  const absent = sql`${present} AND NOT ${connected}`
  if (state === 'pending') return sql`(${absent} AND ${servers.lastSeenAtMs} IS NULL)`
  if (state === 'down') return sql`(${absent} AND ${servers.lastSeenAtMs} IS NOT NULL)`
  return sql`FALSE`
}

function toServer(context: MasterContext, row: ServerRow): Server {
  const [first] = row.addresses
  const state = context.fleet.stateOf(row)
  const health = context.fleet.healthOf(row.id)
  const { id, name, groupId, addresses, dialsOut, roles, weight, mode } = row
  const { platform, revokeReason } = row
  return {
    id,
    name,
    groupId,
    addresses,
    dialsOut,
    roles,
    weight,
    mode,
    state,
    platform,
    revokeReason,
    address: first === undefined ? null : hostAndPort(first),
    lastSeenAt: isoOrNull(row.lastSeenAtMs),
    version: row.agentVersion,
    health: { state: health.state, at: isoOrNull(health.atMs) },
    certificate: certificateView(
      { serial: row.certificateSerial, expiresAtMs: row.certificateExpiresAtMs },
      context.clock.nowMs(),
    ),
    revokedAt: isoOrNull(row.revokedAtMs),
    createdAt: iso(row.createdAtMs),
    revision: row.version,
  }
}

function hostAndPort({ host, port }: { host: string; port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function announce(context: MasterContext, row: ServerRow): Server {
  const server = toServer(context, row)
  const { state, mode } = server
  const { id, version } = row
  const data = { name: row.name, state, mode }
  context.events.publish({ type: 'server', objectId: id, serverIds: [id], version, data })
  return server
}

async function assertNameFree(reader: Reader, wanted: { id: string; name: string }): Promise<void> {
  const [taken] = await reader.select().from(servers).where(eq(servers.name, wanted.name))
  if (taken === undefined || taken.id === wanted.id) return
  throw new AppError('NAME_TAKEN', `cannot name the server "${wanted.name}": another one has it`)
}

async function assertUnused(reader: Reader, server: ServerRow): Promise<void> {
  const named = [
    ...(await reader.select().from(policySources).where(eq(policySources.serverId, server.id))),
    ...(await reader.select().from(policyTargets).where(eq(policyTargets.serverId, server.id))),
  ].map((row) => `policy ${row.policyId}`)
  const users = server.revokedAtMs === null ? ['its agent: revoke it first', ...named] : named
  if (users.length === 0) return
  const message = `cannot delete server "${server.name}": it is used by ${users.join(', ')}`
  throw new AppError('IN_USE', message, { data: { users } })
}
