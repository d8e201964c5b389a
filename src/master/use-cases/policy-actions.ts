import { eq } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import { type DistributionTree, type RouteNode, waysOf } from '../../core/route/tree.ts'
import type { Actor, FlushedSource, MasterContext } from '../context.ts'
import { toErrorReason } from '../db/reason.ts'
import { policySources } from '../db/schema.ts'
import { loadPolicy } from '../jobs/load.ts'
import type { Route, RouteHop } from '../model.ts'
import { findPolicy, findRegion, findServer, missing } from './lookup.ts'

export interface SyncInput {
  readonly reference: string
  /** Servers by id or `name:…`; all of the policy's where left out. */
  readonly targets?: readonly string[] | undefined
}

/**
 * Brings targets to where the sources are now, in every mode: the sources look at their disks, the heads that cover
 * that are fixed, and the job ends when each chosen target has reached them, by whichever job. NOT_FOUND.
 */
export async function syncPolicyNow(
  context: MasterContext,
  _actor: Actor,
  input: SyncInput,
): Promise<{ readonly jobId: string }> {
  const { read } = context.database
  const policy = await findPolicy(read, input.reference)
  const chosen = input.targets?.map(async (target) => (await findServer(read, target)).id)
  const serverIds = chosen === undefined ? null : await Promise.all(chosen)
  const sources = await read
    .select()
    .from(policySources)
    .where(eq(policySources.policyId, policy.id))
  const hosts = [...new Set(sources.map((source) => source.serverId))]
  const flushed = hosts.map((serverId) => flush(context, { serverId, policyId: policy.id }))
  const heads = (await Promise.all(flushed)).flat()
  const policyId = policy.id
  return { jobId: await context.jobs.sync({ policyId, serverIds, trigger: 'person', heads }) }
}

export interface RouteInput {
  readonly reference: string
  /** Servers by id or `name:…` that count as gone, to see what would happen. */
  readonly without?: readonly string[] | undefined
  /** Regions by id or `name:…` to which there is no way from the sources, to see the same. */
  readonly cut?: readonly string[] | undefined
  /** How much is to be sent; what the targets lack where left out. */
  readonly bytes?: number | undefined
}

/** The tree that would be used now, and why. NOT_FOUND. */
export async function getRoute(context: MasterContext, input: RouteInput): Promise<Route> {
  const { read } = context.database
  const { id } = await findPolicy(read, input.reference)
  const policy = (await loadPolicy(read, id)) ?? missing('policy', input.reference)
  const left = (input.without ?? []).map(async (server) => (await findServer(read, server)).id)
  const without = new Set(await Promise.all(left))
  const apart = (input.cut ?? []).map(async (region) => (await findRegion(read, region)).id)
  const cut = new Set(await Promise.all(apart))
  const trees = context.jobs.routes(id, { without, cut, bytes: input.bytes })
  const reached = new Set(trees.flatMap((tree) => [...waysOf(tree, null).keys()]))
  const isThere = (serverId: string) =>
    !without.has(serverId) && context.fleet.isConnected(serverId)
  const lost = new Map<string, Obstacle>()
  for (const { bindingId, sourceId, serverId, drained } of policy.bindings.values()) {
    if (reached.has(bindingId)) continue
    const hasSource = isThere(policy.sources.get(sourceId)?.serverId ?? '')
    const away = isThere(serverId) ? null : NO_TARGET
    lost.set(serverId, away ?? (drained ? DRAINED : hasSource ? NO_WAY : NO_SOURCE))
  }
  return {
    hops: trees.flatMap(hopsOf),
    unreachable: [...lost].map(([serverId, obstacle]) => unreached(context, serverId, obstacle)),
  }
}

interface Obstacle {
  readonly code: string
  readonly message: string
}

const NO_SOURCE = { code: 'SOURCE_UNAVAILABLE', message: 'the source is not connected' }
const NO_TARGET = { code: 'PEER_UNREACHABLE', message: 'the target is not connected' }
const NO_WAY = { code: 'PEER_UNREACHABLE', message: 'nobody who would hold it has a way to it' }
const DRAINED = { code: 'WAITING', message: 'the server is drained' }

/** A source that does not answer does not stop the job: what it has reported so far is what can be reached. */
async function flush(
  context: MasterContext,
  of: { readonly serverId: string; readonly policyId: string },
): Promise<readonly FlushedSource[]> {
  try {
    return await context.fleet.flush(of.serverId, of.policyId)
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    context.log.warn('a source did not flush its detection', { ...of, error: thrown })
    return []
  }
}

function hopsOf(tree: DistributionTree): RouteHop[] {
  const below = (from: string, nodes: readonly RouteNode[]): RouteHop[] =>
    nodes.flatMap(({ serverId, hop, reason, children }) => [
      { ...hop, from, to: serverId, reason },
      ...below(serverId, children),
    ])
  return below(tree.sourceServerId, tree.children)
}

function unreached(context: MasterContext, serverId: string, obstacle: Obstacle) {
  const reason = toErrorReason({ ...obstacle, atMs: context.clock.nowMs() })
  if (reason === null) throw new Error('invariant broken: a reason has a text')
  return { serverId, reason }
}
