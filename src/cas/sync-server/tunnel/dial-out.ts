import { REGISTRATIONS_MAX } from '../../../core/base/limits.ts'
import { Registering, type RegisteringOptions, type RegisteringPeer } from './registering.ts'
import { TUNNEL_TIMES } from './times.ts'

export type DialOutOptions = Omit<RegisteringOptions, 'times'> & Partial<RegisteringOptions>

/** Lets a server that can only dial out be reached: it is registered with every peer that it can dial. */
export class DialOut {
  readonly #options: RegisteringOptions
  #registering: ReadonlyMap<string, Registering> = new Map()

  constructor(options: DialOutOptions) {
    this.#options = { times: TUNNEL_TIMES, ...options }
  }

  /** With how many peers it is registered at the moment. */
  get registeredCount(): number {
    return [...this.#registering.values()].filter((each) => each.isRegistered).length
  }

  /** Takes the peers by which it is to be reached from now on, those that are needed most first. */
  configure(peers: readonly RegisteringPeer[]): void {
    const before = this.#registering
    const wanted = peers.filter(({ addresses }) => addresses.length > 0).slice(0, REGISTRATIONS_MAX)
    this.#registering = new Map(
      wanted.map((peer) => {
        const known = before.get(peer.serverId)
        const isSame = known !== undefined && Bun.deepEquals(known.peer, peer)
        return [peer.serverId, isSame ? known : new Registering(peer, this.#options)]
      }),
    )
    for (const [serverId, registering] of before)
      if (this.#registering.get(serverId) !== registering) registering.stop()
  }

  stop(): void {
    this.configure([])
  }
}
