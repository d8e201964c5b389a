import { DIRECT, type RoutePlace, type RouteRules, routeHop } from './hop-options.ts'
import { type RelayTarget, streams } from './streams.ts'
import type { DistributionTree, RouteNode } from './tree.ts'

/** Content of this size goes through chains: every link carries it once, and a hop adds only one frame's time. */
export const LARGE_BYTES = 8 << 20
/** Servers in one chain: what a broken one takes with it stays small. */
const CHAIN_MAX = 8
/** Children of one server in a shallow tree: a small change is there after few hops. */
const FAN_MAX = 16
/** Targets as near as the source's own region that get a small change directly: a relay would only delay it. */
const DIRECT_MAX = 16
/** Servers reached through one that the source sends to: all of them are named in one frame, each with its ticket. */
const BRANCH_MAX = 256

/** Hops between the source and the last server at most: region, group, and a chain, or a tree of a thousand. */
export const DEPTH_MAX = CHAIN_MAX + 2

export interface RelayRequest extends RouteRules {
  readonly source: RoutePlace
  readonly targets: readonly RelayTarget[]
  /** Another than the source sends what has come already: nothing is gained by sending it to each. */
  readonly isInStead?: boolean
}

/** A node while the tree grows. */
interface Grown {
  readonly target: RelayTarget
  readonly from: RoutePlace
  readonly why: string
  readonly children: Grown[]
}

type Shape = 'chain' | 'shallow'

/**
 * Plans the way of a job's content through other targets: the link between regions is crossed once per region, then
 * once per group, then chains inside the group for large content and shallow trees for small changes. Whoever cannot
 * share a stream is served directly. The same request gives the same tree.
 */
export function planRelays(request: RelayRequest): DistributionTree {
  const { source } = request
  const sorted = request.targets.toSorted(
    (one, other) => other.weight - one.weight || compare(one.bindingId, other.bindingId),
  )
  const grown = streams(sorted).flatMap((sharing) =>
    sharing.length === 1
      ? sharing.map((target) => leaf(source, target, aloneBecause(target)))
      : shared(request, sharing),
  )
  return {
    sourceServerId: source.serverId,
    children: grown.map((node) => finished(request, node)),
  }
}

function aloneBecause({ alone }: RelayTarget): string {
  return alone === undefined ? DIRECT : `${DIRECT}: ${alone}`
}

/** The trees of targets that share a stream: one for each region, the source's own directly. */
function shared(
  { source, isInStead = false }: RelayRequest,
  targets: readonly RelayTarget[],
): Grown[] {
  const lacksBytes = targets[0]?.lacksBytes ?? null
  const shape: Shape = lacksBytes !== null && lacksBytes < LARGE_BYTES ? 'shallow' : 'chain'
  return [...Map.groupBy(targets, (target) => target.regionId)].flatMap(([regionId, there]) => {
    const isNear = regionId === source.regionId
    if (isNear && !isInStead && shape === 'shallow' && there.length <= DIRECT_MAX)
      return there.map((target) => leaf(source, target, DIRECT))
    if (isNear) return groups(source, there, shape)
    return branches(there).flatMap(([entry, ...rest]) => {
      if (entry === undefined) return []
      const node = leaf(source, entry, 'the way into its region')
      node.children.push(...groups(entry, rest, shape))
      return [node]
    })
  })
}

/** The trees of one region below a server of it, or below the source. */
function groups(from: RoutePlace, targets: readonly RelayTarget[], shape: Shape): Grown[] {
  return [...Map.groupBy(targets, (target) => target.groupId)].flatMap(([groupId, there]) => {
    if (groupId === from.groupId) return spread(from, there, shape)
    return branches(there).flatMap(([entry, ...rest]) => {
      if (entry === undefined) return []
      const node = leaf(from, entry, 'the way into its group')
      node.children.push(...spread(entry, rest, shape))
      return [node]
    })
  })
}

/** As few parts as the bound of a branch allows. */
function branches(targets: readonly RelayTarget[]): (readonly RelayTarget[])[] {
  return parts(targets, Math.ceil(targets.length / BRANCH_MAX))
}

/** Spreads over servers of one group. */
function spread(from: RoutePlace, targets: readonly RelayTarget[], shape: Shape): Grown[] {
  if (shape === 'shallow') return shallow(from, targets)
  // As few chains as their bound allows.
  const chains = parts(targets, Math.ceil(targets.length / CHAIN_MAX))
  return chains.flatMap((links) => chainOf(from, links))
}

/** So many parts of nearly equal length. */
function parts(targets: readonly RelayTarget[], count: number): (readonly RelayTarget[])[] {
  return Array.from({ length: count }, (_, index) => {
    const first = Math.floor((index * targets.length) / count)
    return targets.slice(first, Math.floor(((index + 1) * targets.length) / count))
  })
}

function chainOf(from: RoutePlace, links: readonly RelayTarget[]): Grown[] {
  let children: Grown[] = []
  for (let index = links.length - 1; index >= 0; index--) {
    const target = links[index]
    if (target === undefined) continue
    const before = links[index - 1] ?? from
    children = [{ target, from: before, why: 'in a chain for large content', children }]
  }
  return children
}

/** A tree in which every server has at most so many children, filled level by level. */
function shallow(from: RoutePlace, targets: readonly RelayTarget[]): Grown[] {
  const roots: Grown[] = []
  const nodes: Grown[] = []
  for (const [index, target] of targets.entries()) {
    const parent = index < FAN_MAX ? null : (nodes[Math.floor(index / FAN_MAX) - 1] ?? null)
    const why = 'in a shallow tree for small changes'
    const node: Grown = { target, from: parent?.target ?? from, why, children: [] }
    nodes.push(node)
    if (parent === null) roots.push(node)
    else parent.children.push(node)
  }
  return roots
}

function leaf(from: RoutePlace, target: RelayTarget, why: string): Grown {
  return { target, from, why, children: [] }
}

function finished(request: RelayRequest, { target, from, why, children }: Grown): RouteNode {
  const { serverId, bindingId } = target
  const { hop, reason } = routeHop(request, { from, to: target }, why)
  return {
    serverId,
    bindingId,
    hop,
    why,
    reason,
    children: children.map((child) => finished(request, child)),
  }
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
