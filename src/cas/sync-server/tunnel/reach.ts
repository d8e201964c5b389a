import type { Failure } from '../../../core/base/result.ts'
import type { TargetConfig } from '../../../core/wire/control.ts'
import type { ReachReport } from '../../../core/wire/sync-server.ts'
import type { Clock } from '../../../platform/clock.ts'
import { addressOnThisHost } from '../../../platform/host-addresses.ts'
import type { Logger } from '../../../platform/log.ts'
import { RoutingTable } from '../../routing-table.ts'
import type { SyncServerConfiguration } from '../sync-server.ts'
import { DialOut } from './dial-out.ts'
import type { RegisteringPeer } from './registering.ts'
import { Registrations } from './registrations.ts'
import type { TunnelTimes } from './times.ts'

export interface ReachOptions {
  /** True of the servers in the routing table. */
  readonly knows: (serverId: string) => boolean
  /** Gets the ports on this host at which servers are reached that only dial out. */
  readonly onWays: (ways: ReadonlyMap<string, number>) => void
  readonly onReach?: (reach: ReachReport) => void
  readonly clock: Clock
  readonly log: Logger
  /** Gives 0 to 1. */
  readonly random: () => number
  readonly tunnelTimes?: TunnelTimes
}

/** Both ends of what servers need that can only dial out: they are reached here, and this one may be one of them. */
export class Reach {
  readonly registrations: Registrations
  readonly #options: ReachOptions
  readonly #dialOut: DialOut

  constructor(options: ReachOptions) {
    const { clock, log, random, knows, tunnelTimes } = options
    const times = tunnelTimes === undefined ? {} : { times: tunnelTimes }
    const changed = (): void => this.#changed()
    this.#options = options
    this.registrations = new Registrations({ knows, log, changed, ...times })
    this.#dialOut = new DialOut({ clock, log, random, changed, ...times })
  }

  /** Takes a configuration, and the port at which the Sync Server listens by it. */
  configure(configuration: SyncServerConfiguration, port: number): void {
    this.registrations.retainPeers()
    const isNeeded = configuration.dialsOut && configuration.targets.length > 0
    this.#dialOut.configure(isNeeded ? registeringPeers(configuration, port) : [])
  }

  stop(reason: Failure): void {
    this.registrations.stop(reason)
    this.#dialOut.stop()
  }

  #changed(): void {
    const { ways } = this.registrations
    this.#options.onWays(ways)
    this.#options.onReach?.({
      ways: [...ways].map(([serverId, way]) => ({ serverId, port: way })),
      registeredCount: this.#dialOut.registeredCount,
    })
  }
}

/** The peers, those first from which targets here receive. */
function registeringPeers(
  { peers, targets, identity, listen }: SyncServerConfiguration,
  port: number,
): RegisteringPeer[] {
  const routing = new RoutingTable()
  routing.replace(0, peers)
  const own = addressOnThisHost({ host: listen.host, port })
  const sources = new Set(targets.map(({ sourceServerId }: TargetConfig) => sourceServerId))
  const isSource = ({ serverId }: { readonly serverId: string }) => sources.has(serverId)
  return peers
    .toSorted((one, other) => Number(isSource(other)) - Number(isSource(one)))
    .map(({ serverId, scope = 'international' }) => {
      return { serverId, addresses: routing.addressesOf(serverId, scope) ?? [], identity, own }
    })
}
