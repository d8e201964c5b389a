import { DIRECT, routeHop } from './hop-options.ts'
import type { RelayRequest } from './plan-relays.ts'
import { type RelayTarget, streams } from './streams.ts'
import type { DistributionTree, RouteNode } from './tree.ts'

/** Servers in the order in which content passes through them, after the source. */
export type Chain = readonly string[]

/** What is wrong with chains, for people; null where nothing is. */
export function chainsProblem(chains: readonly Chain[]): string | null {
  const before = new Map<string, string | null>()
  for (const chain of chains) {
    if (new Set(chain).size < chain.length) return 'a chain comes to one server twice'
    for (const [index, server] of chain.entries()) {
      const from = chain[index - 1] ?? null
      const known = before.get(server)
      if (known !== undefined && known !== from) return 'one server follows on two different ones'
      before.set(server, from)
    }
  }
  return null
}

/**
 * Plans the way of a job's content by the chains of a person. Whoever holds something else than those before it, is in
 * trouble or is not among the targets is passed over: who follows it gets the content from the nearest one before it. Who
 * is in no chain is served directly.
 */
export function planManual(request: RelayRequest, chains: readonly Chain[]): DistributionTree {
  const { source } = request
  const chainOf = new Map(
    chains.flatMap((chain) => chain.map((server) => [server, chain] as const)),
  )
  const children = streams(request.targets).flatMap((sharing) => {
    const byServer = new Map(sharing.map((target) => [target.serverId, target]))
    const below = Map.groupBy(sharing, ({ serverId }) =>
      nearestBefore(serverId, chainOf.get(serverId) ?? [], byServer),
    )
    const nodesBelow = (from: RelayTarget | null): RouteNode[] =>
      (below.get(from) ?? []).map((target) => {
        const { serverId, bindingId } = target
        const why = whyOf(target, chainOf.get(serverId) ?? null, from)
        const { hop, reason } = routeHop(request, { from: from ?? source, to: target }, why)
        return { serverId, bindingId, hop, why, reason, children: nodesBelow(target) }
      })
    return nodesBelow(null)
  })
  return { sourceServerId: source.serverId, children }
}

function nearestBefore(
  serverId: string,
  chain: Chain,
  sharing: ReadonlyMap<string, RelayTarget>,
): RelayTarget | null {
  for (let index = chain.indexOf(serverId) - 1; index >= 0; index--) {
    const before = sharing.get(chain[index] ?? '')
    if (before !== undefined) return before
  }
  return null
}

function whyOf({ serverId }: RelayTarget, chain: Chain | null, from: RelayTarget | null): string {
  if (chain === null) return `${DIRECT}: it is in no chain`
  const before = chain[chain.indexOf(serverId) - 1] ?? null
  if (before === (from?.serverId ?? null)) return 'as the chain says'
  return 'as the chain says, past what cannot pass it on now'
}
