import { RELAY_TIMES } from '../../src/cas/sync-server/relay/options.ts'
import type { JobNode } from '../../src/core/wire/control.ts'
import { SOURCE_PEER, SOURCE_SERVER, SyncFleet, type TicketChanges, jobNode } from './sync-fleet.ts'
import { waitFor } from './wait-for.ts'

type ServeOptions = NonNullable<Parameters<SyncFleet['serve']>[0]>
type Served = Awaited<ReturnType<SyncFleet['serve']>>

export const serverId = (number: number): string => `00000000-0000-4000-8000-0000000001${number}0`

/** A server of the tree, in letters: whom it passes the stream on to, and what is wrong with it. */
export interface TreeNode {
  readonly number: number
  readonly children?: readonly TreeNode[]
  readonly ticket?: TicketChanges
  readonly compression?: number
  readonly rateBytesPerS?: number
}

/** Times at which a test can wait for patience to end. */
const QUICK = { ...RELAY_TIMES, lookMs: 10, answerMs: 1000, holdMs: 200, beatMs: 50 }

/** A source and some targets that can pass streams on to each other, each a Sync Server of its own. */
export class RelayFleet {
  readonly fleet: SyncFleet
  readonly servers = new Map<number, Served>()

  constructor(fleet: SyncFleet) {
    this.fleet = fleet
  }

  static async make(): Promise<RelayFleet> {
    return new RelayFleet(await SyncFleet.make())
  }

  at(number: number): Served {
    const served = this.servers.get(number)
    if (served === undefined) throw new Error(`no server ${number}`)
    return served
  }

  get ports(): Record<string, number> {
    return Object.fromEntries(
      [...this.servers].map(([number, { port }]) => [serverId(number), port]),
    )
  }

  /** Starts server 1 to `count`, each knowing the way to all others; `more` are there at other ports. */
  async start(
    count: number,
    options: ServeOptions | ((number: number) => ServeOptions) = {},
    more: Record<string, number> = {},
  ): Promise<void> {
    for (let number = 1; number <= count; number++) {
      const identity = await this.fleet.authority.issue(serverId(number))
      const own = typeof options === 'function' ? options(number) : options
      const configuration = { ...own.configuration, serverId: serverId(number), identity }
      const served = await this.fleet.serve({ relayTimes: QUICK, ...own, configuration })
      this.servers.set(number, served)
    }
    const peers = Object.entries({ ...this.ports, ...more }).map(([id, port]) => {
      return { serverId: id, name: id, addresses: [{ scope: null, host: '127.0.0.1', port }] }
    })
    for (const { server, configuration, port } of this.servers.values()) {
      const listen = { host: '127.0.0.1', port }
      server.configure({ ...configuration, listen, peers: [SOURCE_PEER, ...peers] })
    }
  }

  /** Waits until nothing is passed on any more: a sender does not wait for that. */
  async settled(): Promise<void> {
    await waitFor('the children', () =>
      [...this.servers.values()].every(({ relayed }) =>
        [...new Map(relayed.map((one) => [`${one.jobId} ${one.serverId}`, one])).values()].every(
          ({ state }) => state !== 'running',
        ),
      ),
    )
  }

  async node(tree: TreeNode): Promise<JobNode> {
    return await treeNode(this.fleet, tree)
  }
}

/** A tree as the master sends it, with a ticket for each node's parent. */
export async function treeNode(
  fleet: SyncFleet,
  tree: TreeNode,
  order: { readonly jobId?: string; readonly sender?: string } = {},
): Promise<JobNode> {
  const { number, children = [], compression = 1, rateBytesPerS = null } = tree
  const { jobId = 'job-1', sender = SOURCE_SERVER } = order
  const aud = serverId(number)
  const claims = { aud, jobId, senders: [sender], ...tree.ticket?.claims }
  const below = children.map((child) => treeNode(fleet, child, { jobId, sender: aud }))
  return jobNode({
    serverId: aud,
    hop: { scope: 'group', method: 'copy', compression, tls: true, rateBytesPerS },
    ticket: await fleet.ticket({ ...tree.ticket, claims }),
    children: await Promise.all(below),
  })
}

/** A chain through servers of these numbers. */
export function chain(...numbers: readonly number[]): TreeNode {
  const [number = 0, ...rest] = numbers
  return { number, children: rest.length === 0 ? [] : [chain(...rest)] }
}
