import type { HopScope } from '../core/route/tree.ts'
import type { Address, Peer } from '../core/wire/control.ts'

/**
 * Where the other servers are reached. It comes with the configuration, has its revision, and is kept with it on the disk,
 * so that a restarted agent finds its peers without the master.
 */
export class RoutingTable {
  #revision = -1
  #peers: ReadonlyMap<string, Peer> = new Map()

  get revision(): number {
    return this.#revision
  }

  get size(): number {
    return this.#peers.size
  }

  replace(revision: number, peers: readonly Peer[]): void {
    this.#revision = revision
    this.#peers = new Map(peers.map((peer) => [peer.serverId, peer]))
  }

  knows(serverId: string): boolean {
    return this.#peers.has(serverId)
  }

  /** A server's name for logs; its id where it is unknown. */
  nameOf(serverId: string): string {
    return this.#peers.get(serverId)?.name ?? serverId
  }

  /** The key of plain hops to and from a server, base64; null where there may be none. */
  hopKeyOf(serverId: string): string | null {
    return this.#peers.get(serverId)?.hopKey ?? null
  }

  /**
   * The addresses of a server, those meant for this scope first, then those for any, then the rest: an address for
   * another scope may still work where nothing else does. Empty where the server is unknown.
   */
  addressesOf(serverId: string, scope: HopScope): readonly Address[] {
    const addresses = this.#peers.get(serverId)?.addresses ?? []
    const rank = (address: Address) =>
      address.scope === scope ? 0 : address.scope === null ? 1 : 2
    return addresses.toSorted((left, right) => rank(left) - rank(right))
  }
}
