import { toAppError } from '../../../core/base/errors.ts'
import type { Address } from '../../../core/wire/control.ts'
import type { HostPort } from '../../../platform/cli-options.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { DataConnection } from '../../../platform/data-connection.ts'
import type { Logger } from '../../../platform/log.ts'
import type { TlsIdentity } from '../../../platform/tls-identity.ts'
import { backoffMs } from '../../control/backoff.ts'
import { connectTo } from '../../sync-client/connect.ts'
import { keepAlive } from './keep-alive.ts'
import { OpenedTunnels } from './opened-tunnels.ts'
import type { TunnelTimes } from './times.ts'

/** By whom this server is to be reached, and how it is itself. */
export interface RegisteringPeer {
  readonly serverId: string
  /** Best first. */
  readonly addresses: readonly Address[]
  readonly identity: TlsIdentity
  /** Where the Sync Server of this host takes connections. */
  readonly own: HostPort
}

export interface RegisteringOptions {
  readonly times: TunnelTimes
  readonly clock: Clock
  readonly log: Logger
  /** Gives 0 to 1. */
  readonly random: () => number
  /** It is registered now, or not any more. */
  readonly changed: () => void
}

/** How long a peer may take to greet. */
const GREETING_MS = 10_000
/** A registration that held so long was a good one: the next attempt follows soon. */
const HEALTHY_MS = 10_000

/** Keeps one connection to a peer by which that one reaches this server, and opens the tunnels that it asks for. */
export class Registering {
  readonly peer: RegisteringPeer
  readonly #options: RegisteringOptions
  readonly #ending = new AbortController()
  readonly #tunnels: OpenedTunnels
  #connection: DataConnection | null = null

  constructor(peer: RegisteringPeer, options: RegisteringOptions) {
    this.peer = peer
    this.#options = options
    this.#tunnels = new OpenedTunnels(peer.own, options.log)
    void this.#run()
  }

  get isRegistered(): boolean {
    return this.#connection !== null
  }

  stop(): void {
    this.#ending.abort()
    this.#connection?.close()
    this.#tunnels.stop()
  }

  /** Registers again and again, with growing pauses while that fails. Never rejects. */
  async #run(): Promise<void> {
    const { clock, random } = this.#options
    const { signal } = this.#ending
    for (let attempt = 0; !signal.aborted;) {
      const heldMs = await this.#register()
      attempt = heldMs > HEALTHY_MS ? 0 : attempt + 1
      await clock.sleep(backoffMs(attempt, random), signal)
    }
  }

  /** Is registered at the first address that works until that connection ends; gives for how long. */
  async #register(): Promise<number> {
    for (const address of this.peer.addresses) {
      const connection = await this.#connect(address)
      if (connection === null) continue
      const startedMs = this.#options.clock.nowMs()
      await this.#hold(connection, address)
      return this.#options.clock.nowMs() - startedMs
    }
    return 0
  }

  async #hold(connection: DataConnection, address: Address): Promise<void> {
    const { changed, log, times } = this.#options
    const { serverId: peerId } = this.peer
    const ended = Promise.withResolvers<void>()
    connection.handle({
      frame: (frame) => {
        // What leads here leads a tunnel here too.
        if (frame.type === 'dial')
          void this.#tunnels.open(() => this.#connect(address), frame.token)
        else if (frame.type === 'error')
          log.warn('not to be reached by a peer', { peerId, ...frame.error })
        else log.warn('a peer sends what is not due', { peerId, type: frame.type })
        if (frame.type !== 'dial') connection.close()
      },
      closed: () => ended.resolve(),
    })
    connection.expectWithin(null)
    // It may have come while this was stopped.
    if (this.#ending.signal.aborted) connection.close()
    connection.send({ type: 'await' })
    const stopKeepingAlive = keepAlive(connection, times)
    this.#connection = connection
    changed()
    await ended.promise
    stopKeepingAlive()
    this.#connection = null
    changed()
  }

  /** A connection with the peer at an address, greeted; null where there is none, or none is wanted any more. */
  async #connect(address: Address): Promise<DataConnection | null> {
    const { serverId, identity } = this.peer
    const { clock, log } = this.#options
    const { signal } = this.#ending
    if (signal.aborted) return null
    try {
      const addresses = (): readonly Address[] => [address]
      const order = { serverId, addresses, identity, patienceMs: GREETING_MS, signal, clock, log }
      const conversation = await connectTo(order)
      return conversation.failure === null ? conversation.connection : null
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      log.debug('a peer is not dialled', { peerId: serverId, code, message })
      return null
    }
  }
}
