import { Conversation, greet } from '../../src/cas/sync-client/conversation.ts'
import type { SyncServer } from '../../src/cas/sync-server/sync-server.ts'
import type { Failure } from '../../src/core/base/result.ts'
import type { Peer } from '../../src/core/wire/control.ts'
import type { Frame } from '../../src/core/wire/frame.ts'
import type { ReachReport } from '../../src/core/wire/sync-server.ts'
import type { DataConnection } from '../../src/platform/data-connection.ts'
import { dial } from '../../src/platform/data-dial.ts'
import { type FreezingLine, startFreezingLine } from './freezing-line.ts'
import { SOURCE_SERVER, SyncFleet, TARGET_SERVER } from './sync-fleet.ts'
import type { TestIdentity } from './test-authority.ts'
import { waitFor } from './wait-for.ts'

type Served = Awaited<ReturnType<SyncFleet['serve']>>
type ServeOptions = NonNullable<Parameters<SyncFleet['serve']>[0]>

export const OTHER_SERVER = '00000000-0000-4000-8000-000000000003'
export const QUICK = { aliveMs: 100, missedMax: 3, pairMs: 300 }

/** What one end of a connection of a test's own got. */
export interface RawEnd {
  readonly connection: DataConnection
  readonly frames: Frame[]
  /** Undefined while it is open. */
  readonly closed: () => Failure | null | undefined
}

/** A source's server that can be dialled, and a target that can only dial out, by a line that can be cut. */
export class TunnelScene {
  readonly fleet: SyncFleet
  readonly line: FreezingLine
  readonly #peer: Served
  readonly #reach: () => ReachReport | null
  target: Served | null = null

  private constructor(
    fleet: SyncFleet,
    parts: { peer: Served; line: FreezingLine; reach: () => ReachReport | null },
  ) {
    this.fleet = fleet
    this.line = parts.line
    this.#peer = parts.peer
    this.#reach = parts.reach
  }

  static async open(options: Partial<ServeOptions> = {}): Promise<TunnelScene> {
    const fleet = await SyncFleet.make()
    let reach: ReachReport | null = null
    const peer = await fleet.serve({
      tunnelTimes: QUICK,
      onReach: (now) => (reach = now),
      ...options,
      configuration: {
        serverId: SOURCE_SERVER,
        identity: fleet.source,
        targets: [],
        peers: [TARGET_SERVER, OTHER_SERVER].map((serverId) => peerOf(serverId)),
        ...options.configuration,
      },
    })
    const line = startFreezingLine(peer.port)
    return new TunnelScene(fleet, { peer, line, reach: () => reach })
  }

  /** Starts the target, which is registered with the source's server then. */
  async dialOut(options: Partial<ServeOptions> = {}): Promise<Served> {
    const address = { scope: null, host: '127.0.0.1', port: this.line.port }
    const { configuration, ...more } = options
    this.target = await this.fleet.serve({
      tunnelTimes: QUICK,
      random: () => 0,
      ...more,
      configuration: {
        dialsOut: true,
        peers: [{ ...peerOf(SOURCE_SERVER), addresses: [address] }],
        ...configuration,
      },
    })
    await this.registered()
    return this.target
  }

  async registered(serverId = TARGET_SERVER): Promise<number> {
    await waitFor('the registration', () => this.wayTo(serverId) !== null)
    return this.wayTo(serverId) ?? 0
  }

  /** Where a server is reached from the source's; null while it is not. */
  wayTo(serverId: string): number | null {
    return this.#reach()?.ways.find((way) => way.serverId === serverId)?.port ?? null
  }

  /** Lets the source's server know these alone. */
  peers(peers: readonly Peer[]): void {
    const { configuration, port, server } = this.#peer
    server.configure({ ...configuration, listen: { host: '127.0.0.1', port }, peers: [...peers] })
  }

  get peerServer(): SyncServer {
    return this.#peer.server
  }

  /** The way to the target as a sender at the source's server finds it. */
  addressesOf = (serverId: string) => {
    const port = this.wayTo(serverId)
    return port === null ? [] : [{ scope: null, host: '127.0.0.1', port }]
  }

  /** Connects to the source's server as somebody, and begins with a frame. */
  async speak(identity: TestIdentity, first: Frame): Promise<RawEnd> {
    const { port } = this.#peer
    const host = '127.0.0.1'
    const connection = await dial({ host, port, serverId: SOURCE_SERVER, identity })
    await greet(new Conversation(connection), new AbortController().signal)
    const frames: Frame[] = []
    let end: Failure | null | undefined
    connection.handle({
      frame: (frame) => void frames.push(frame),
      closed: (failure) => (end = failure),
    })
    connection.send(first)
    return { connection, frames, closed: () => end }
  }

  async stop(): Promise<void> {
    await this.fleet.stop()
    this.line.stop()
  }
}

/** A peer that tells no address. */
export function peerOf(serverId: string, more: Partial<Peer> = {}): Peer {
  return { serverId, name: serverId, addresses: [], ...more }
}
