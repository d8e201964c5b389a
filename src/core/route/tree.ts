/** Where a hop runs, from near to far. */
export type HopScope = 'group' | 'region' | 'international'

/** How one hop moves content. */
export interface HopOptions {
  readonly scope: HopScope
  readonly method: 'copy' | 'patch'
  /** 0 none, 1 lz4, 2–9 zstd from fast to small. */
  readonly compression: number
  readonly tls: boolean
  /** Null for no limit. */
  readonly rateBytesPerS: number | null
}

/** A server in the distribution tree, the way to it, and what is reached through it. */
export interface RouteNode {
  readonly serverId: string
  /** The binding on that server which receives. */
  readonly bindingId: string
  readonly hop: HopOptions
  /** Why it stands at this place of the tree, for people. */
  readonly why: string
  /** The same, with why the hop has its options. */
  readonly reason: string
  readonly children: readonly RouteNode[]
}

/** The tree of one job: its root is the server that sends, mostly the source's, which is not a node. */
export interface DistributionTree {
  readonly sourceServerId: string
  readonly children: readonly RouteNode[]
}

/** How one target of a tree is reached. */
export interface Way {
  /** The binding that is sent from in the stead of the source; null where the source itself sends. */
  readonly holderId: string | null
  /** The bindings whose servers pass it on, from the sender's side; the last of them sends to the target. */
  readonly relays: readonly string[]
  /** Why the target stands there, for people. */
  readonly why: string
}

/** The way to each target of a tree, by binding; `holderId` says who is at its root. */
export function waysOf(tree: DistributionTree, holderId: string | null): ReadonlyMap<string, Way> {
  const ways = new Map<string, Way>()
  const walk = (nodes: readonly RouteNode[], relays: readonly string[]): void => {
    for (const { bindingId, why, children } of nodes) {
      ways.set(bindingId, { holderId, relays, why })
      walk(children, [...relays, bindingId])
    }
  }
  walk(tree.children, [])
  return ways
}
