import type { HopScope } from '../core/route/tree.ts'
import type { Address, Peer } from '../core/wire/control.ts'

/**
 * Where the other servers are reached. It comes with the configuration, has its revision, and is kept with it on the disk,
 * so that a restarted agent finds its peers without the master.
 */
export class RoutingTable {
  #revision = -1
  #peers: ReadonlyMap<string, Peer> = new Map()
  #ways: ReadonlyMap<string, number> = new Map()

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

  /** Takes the ports on this host at which servers are reached that only dial out. */
  replaceWays(ways: ReadonlyMap<string, number>): void {
    this.#ways = ways
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
   * another scope may still work where nothing else does. Of a server without any, the port on this host that leads to it.
   * Empty while none leads to it, null where the server is unknown.
   */
  addressesOf(serverId: string, scope: HopScope): readonly Address[] | null {
    const addresses = this.#peers.get(serverId)?.addresses ?? null
    if (addresses === null) return null
    const way = this.#ways.get(serverId)
    if (addresses.length === 0 && way !== undefined)
      return [{ scope: null, host: '127.0.0.1', port: way }]
    const rank = (address: Address) =>
      address.scope === scope ? 0 : address.scope === null ? 1 : 2
    return addresses.toSorted((left, right) => rank(left) - rank(right))
  }
}
