import { isRecentlyLost } from '../../core/plan/holders.ts'
import { DIRECT, type RouteRules, hopOptions, routeHop } from '../../core/route/hop-options.ts'
import { type Chain, planManual } from '../../core/route/manual-route.ts'
import { type ParentFigures, parentRank } from '../../core/route/parent-rank.ts'
import { LARGE_BYTES, planRelays } from '../../core/route/plan-relays.ts'
import type { RelayTarget } from '../../core/route/streams.ts'
import type { DistributionTree, RouteNode } from '../../core/route/tree.ts'
import { isResting } from './rest.ts'
import {
  type BindingRuntime,
  type JobTargetRuntime,
  type PolicyRuntime,
  type SourceRuntime,
  senderOf,
} from './runtime.ts'
import type { ServerPlace, Topology } from './topology.ts'

/** What everyone holds who holds nothing of the source's epoch. */
const NOTHING = 'nothing'

export interface RouteOrder {
  readonly topology: Topology
  readonly policy: PolicyRuntime
  readonly sourceId: string
  /** The binding that is sent from in the stead of the source; null where the source itself sends. */
  readonly holderId: string | null
  readonly bindingIds: readonly string[]
  readonly nowMs: number
  /** Bindings that streams of the same job did not reach, again and again. */
  readonly dropped: ReadonlySet<string>
  /** How much a server has to do, and what it was seen to send. */
  readonly figuresOf: (serverId: string) => Omit<ParentFigures, 'weight'>
  /** Plans for content of this size instead of what the targets lack. */
  readonly bytes?: number | undefined
}

/** The tree by which a source's content reaches bindings now. */
export function routeOf(order: RouteOrder): DistributionTree {
  const { topology, policy, sourceId, holderId } = order
  const source = policy.sources.get(sourceId)
  const sender = holderId === null ? source : policy.bindings.get(holderId)
  const place = topology.places.get(sender?.serverId ?? '')
  if (source === undefined || place === undefined)
    return { sourceServerId: sender?.serverId ?? '', children: [] }
  const lacked = lackedFrom(source)
  const targets = order.bindingIds.flatMap((bindingId): RelayTarget[] => {
    const binding = policy.bindings.get(bindingId)
    const at = topology.places.get(binding?.serverId ?? '')
    if (binding === undefined || at === undefined) return []
    const wasLeftOut = order.dropped.has(bindingId) && at.regionId === place.regionId
    const trouble = wasLeftOut
      ? 'streams did not reach it'
      : troubleOf(binding, place.serverId, order.nowMs)
    const alone = at.dialsOut ? 'it can only dial out' : trouble
    const position = alone === null ? positionOf(source, binding) : null
    const weight = parentRank({ ...order.figuresOf(at.serverId), weight: at.weight })
    return [
      {
        ...at,
        weight,
        bindingId,
        position,
        ...(alone !== null && { alone }),
        lacksBytes: order.bytes ?? lacked(position),
      },
    ]
  })
  const request = { source: place, targets, ...rulesOf(order) }
  const { chains } = policy
  if (holderId !== null)
    return inStead(planRelays({ ...request, isInStead: true }), source.connected)
  return chains === null ? planRelays(request) : planManual(request, withoutSource(chains, place))
}

/** Says of whom the sender itself serves why it is not the source that does. */
function inStead(tree: DistributionTree, isSourceThere: boolean): DistributionTree {
  const why = isSourceThere
    ? 'from the nearest server that holds it'
    : 'from a server that holds it, for the source is away'
  const children = tree.children.map((node) => ({
    ...node,
    why: node.why.replace(DIRECT, why),
    reason: node.reason.replace(DIRECT, why),
  }))
  return { ...tree, children }
}

/**
 * The tree of a run that was told before, from its sender, as far as it still runs, by the options that hold now. What was below a target
 * that has ended goes on from whoever is above that.
 */
export function sameRoute(
  order: Pick<RouteOrder, 'topology' | 'policy'>,
  targets: readonly JobTargetRuntime[],
): DistributionTree {
  const { topology, policy } = order
  const [first] = targets
  const sourceServerId = (first && senderOf(policy, first)?.serverId) ?? ''
  const running = new Set(targets.map((target) => target.bindingId))
  const below = Map.groupBy(
    targets,
    ({ way }) => way.relays.findLast((relay) => running.has(relay)) ?? null,
  )
  const nodesBelow = (parent: string | null, from: ServerPlace | undefined): RouteNode[] =>
    (below.get(parent) ?? []).flatMap(({ bindingId, serverId, way: { why } }) => {
      const to = topology.places.get(serverId)
      if (from === undefined || to === undefined) return []
      const { hop, reason } = routeHop(rulesOf(order), { from, to }, why)
      return [{ serverId, bindingId, hop, why, reason, children: nodesBelow(bindingId, to) }]
    })
  return { sourceServerId, children: nodesBelow(null, topology.places.get(sourceServerId)) }
}

/** The options that hold now for the hops by which relays serve targets of a run: by the relay's server. */
export function relayedHops(
  order: Pick<RouteOrder, 'topology' | 'policy'>,
  targets: readonly JobTargetRuntime[],
): Map<string, Pick<RouteNode, 'bindingId' | 'hop'>[]> {
  const { topology, policy } = order
  const hops = new Map<string, Pick<RouteNode, 'bindingId' | 'hop'>[]>()
  for (const { bindingId, serverId, way } of targets) {
    const relay = policy.bindings.get(way.relays.at(-1) ?? '')
    const from = topology.places.get(relay?.serverId ?? '')
    const to = topology.places.get(serverId)
    if (from === undefined || to === undefined) continue
    const known = hops.get(from.serverId) ?? []
    known.push({ bindingId, hop: hopOptions(rulesOf(order), from, to) })
    hops.set(from.serverId, known)
  }
  return hops
}

/** A chain may begin with the source itself. */
function withoutSource(chains: readonly Chain[], source: ServerPlace): Chain[] {
  return chains.map((chain) => chain.filter((server) => server !== source.serverId))
}

function rulesOf({ topology, policy }: Pick<RouteOrder, 'topology' | 'policy'>): RouteRules {
  return { ceilings: topology.hopRules, rules: policy.rules }
}

/** Why a target shares no stream: it would hold up those it shares it with. Null where it may. */
function troubleOf(
  { pendingCount, failures, broken, lostWays }: BindingRuntime,
  senderId: string,
  nowMs: number,
): string | null {
  if (pendingCount > 0) return 'something is pending there'
  if (failures > 0) return 'it failed before'
  const lost = lostWays.get(senderId)
  if (lost !== undefined && isRecentlyLost(lost, nowMs))
    return 'it could not be reached a short while ago'
  return isResting(broken, nowMs) ? 'it held up a stream a short while ago' : null
}

function positionOf(source: SourceRuntime, { watermark }: BindingRuntime): string {
  return watermark !== null && watermark.epoch === source.epoch ? String(watermark.seq) : NOTHING
}

/** Tells whether a target lacks so much that it is worth a stream that others share. */
export function lacksMuch(source: SourceRuntime, binding: BindingRuntime): boolean {
  const bytes = lackOf(source, positionOf(source, binding))
  return bytes === null || bytes >= LARGE_BYTES
}

/** Gives what targets lack of a source now, null where nobody knows. */
export function bytesLacked(source: SourceRuntime): (binding: BindingRuntime) => number | null {
  const lacked = lackedFrom(source)
  return (binding) => lacked(positionOf(source, binding))
}

/** Those at the same position lack the same, so that it is added up once for all of them. */
function lackedFrom(source: SourceRuntime): (position: string | null) => number | null {
  const known = new Map<string | null, number | null>()
  return (position) => {
    const bytes = known.has(position) ? known.get(position) : lackOf(source, position)
    known.set(position, bytes ?? null)
    return bytes ?? null
  }
}

function lackOf(source: SourceRuntime, position: string | null): number | null {
  if (position === null) return null
  if (position !== NOTHING) return source.recentBytes.above(Number(position))
  return source.completeAtMs === null ? null : source.totalBytes
}
