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
  /** Why this hop was chosen, for people. */
  readonly reason: string
  readonly children: readonly RouteNode[]
}

/** The tree of one job: its root is the source, which is not a node. */
export interface DistributionTree {
  readonly sourceServerId: string
  readonly children: readonly RouteNode[]
}
