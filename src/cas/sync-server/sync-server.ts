import type { JWK } from 'jose'

import type { TargetPosition } from '../../core/apply/inbound.ts'
import { AppError } from '../../core/base/errors.ts'
import { type Failure, type Result, failure } from '../../core/base/result.ts'
import type { AgentMessageOf, TargetConfig } from '../../core/wire/control.ts'
import type { OpenMessage } from '../../core/wire/frame-messages.ts'
import type { ReachReport, SyncServerCommand } from '../../core/wire/sync-server.ts'
import type { TicketClaims } from '../../core/wire/ticket.ts'
import type { Clock } from '../../platform/clock.ts'
import type { DataConnection } from '../../platform/data-connection.ts'
import { type DataListener, listen } from '../../platform/data-listen.ts'
import type { Logger } from '../../platform/log.ts'
import type { PlainServer } from '../../platform/plain-handshake.ts'
import { toFailure } from '../control/greeting.ts'
import { RoutingTable } from '../routing-table.ts'
import { type AcceptRoot, Bindings, type TargetOpener } from './bindings.ts'
import { ChildConnections } from './relay/child-connections.ts'
import {
  LEFT_STREAMS_MAX,
  RELAY_TIMES,
  type RelayOptions,
  type RelayTimes,
} from './relay/options.ts'
import { type ParentSide, RelayStream } from './relay/relay-stream.ts'
import { SESSION_TIMES, Session, type SessionTimes } from './session.ts'
import { Targets } from './targets.ts'
import { verifyTicket } from './tickets.ts'
import { Reach } from './tunnel/reach.ts'
import type { TunnelTimes } from './tunnel/times.ts'

export interface SyncServerOptions {
  readonly openTarget: TargetOpener
  readonly acceptRoot: AcceptRoot
  readonly clock: Clock
  readonly log: Logger
  readonly report: (message: AgentMessageOf<'targetReport' | 'jobReport' | 'holdResolved'>) => void
  /** Told when other servers are reached by this one, or it by others, than before. */
  readonly onReach?: (reach: ReachReport) => void
  /** Gives 0 to 1. */
  readonly random: () => number
  readonly times?: SessionTimes
  readonly tunnelTimes?: TunnelTimes
  readonly relayTimes?: RelayTimes
  readonly sessionsMax?: number
}

export type SyncServerConfiguration = Extract<SyncServerCommand, { type: 'configure' }>

/** More agents than this do not send to one server at once; each connection costs memory. */
const SESSIONS_MAX = 512

/** How long a peer that is not known yet is waited for, and how often it is looked. */
const NEW_PEER_MS = 2000
const NEW_PEER_LOOK_MS = 50

/** Receives from other agents into the folders of its configuration, and nowhere else. */
export class SyncServer {
  readonly #options: SyncServerOptions
  readonly #bindings: Bindings
  readonly #targets: Targets
  readonly #sessions = new Map<DataConnection, Session>()
  #childConnections = new ChildConnections()
  /** What is passed on at the moment. */
  readonly #streams = new Set<RelayStream>()
  readonly #reach: Reach
  #routing = new RoutingTable()
  #configuration: SyncServerConfiguration | null = null
  #listener: DataListener | null = null

  constructor(options: SyncServerOptions) {
    this.#options = options
    this.#bindings = new Bindings(options.openTarget)
    this.#targets = new Targets({ ...options, bindings: this.#bindings })
    this.#reach = new Reach({
      ...options,
      knows: (serverId) => this.#routing.knows(serverId),
      onWays: (ways) => this.#routing.replaceWays(ways),
    })
  }

  /**
   * Takes a configuration, and reports where every target stands; gives the port. Throws PORT_IN_USE and the like; then
   * the one before no longer listens.
   */
  configure(configuration: SyncServerConfiguration): number {
    const before = this.#configuration
    this.#configuration = configuration
    this.#takePeers(configuration)
    this.#childConnections.close()
    this.#childConnections = new ChildConnections()
    this.#bindings.configure(configuration.targets)
    if (this.#listener === null || before === null || !listensAlike(before, configuration))
      this.#listen(configuration)
    this.#targets.configured()
    const port = this.#listener?.port ?? 0
    this.#reach.configure(configuration, port)
    return port
  }

  /** Takes new options of hops by which a job is passed on. */
  changeHops({ jobId, hops }: Extract<SyncServerCommand, { type: 'hops' }>): void {
    for (const stream of this.#streams) if (stream.jobId === jobId) stream.changeHops(hops)
  }

  /** Passes nothing of a job on any more. */
  cancelJob({ jobId, reason }: Extract<SyncServerCommand, { type: 'cancelJob' }>): void {
    for (const stream of this.#streams) if (stream.jobId === jobId) stream.stop(toFailure(reason))
  }

  /** Takes a person's word about what is held where a binding receives, and reports what became of it. Never rejects. */
  resolveHold(request: Extract<SyncServerCommand, { type: 'resolveHold' }>): Promise<void> {
    return this.#targets.resolveHold(request)
  }

  /** Gives up every job and stops listening. */
  stop(): void {
    this.#targets.stop()
    this.#listener?.stop()
    this.#listener = null
    this.#bindings.close()
    // Whoever sends tries again: this end may be back in a moment.
    const reason: Failure = { code: 'PEER_UNREACHABLE', message: 'the Sync Server is stopping' }
    for (const connection of this.#sessions.keys()) connection.close(reason)
    for (const stream of this.#streams) stream.stop(reason)
    this.#reach.stop(reason)
    this.#childConnections.close()
  }

  /** Where a key was taken away, or is another now, or a peer is none any more, what was for it ends. */
  #takePeers({ peers }: SyncServerConfiguration): void {
    const before = this.#routing
    this.#routing = new RoutingTable()
    this.#routing.replace(0, peers)
    this.#routing.replaceWays(this.#reach.registrations.ways)
    for (const connection of this.#sessions.keys()) {
      const { peerId, isPlain } = connection
      if (isPlain && before.hopKeyOf(peerId) !== this.#routing.hopKeyOf(peerId))
        connection.close({ code: 'HOP_KEY_MISSING', message: 'this hop may not be plain any more' })
      else if (before.knows(peerId) && !this.#routing.knows(peerId))
        connection.close({ code: 'PEER_UNTRUSTED', message: `"${peerId}" is no peer any more` })
    }
    const isGone = (peerId: string) => before.knows(peerId) && !this.#routing.knows(peerId)
    for (const stream of this.#streams) stream.shutOut(isGone)
  }

  #listen(configuration: SyncServerConfiguration): void {
    this.#listener?.stop()
    this.#listener = null
    this.#listener = listen({
      ...configuration.listen,
      identity: configuration.identity,
      plain: mayBePlain(configuration) ? this.#plainServer(configuration.serverId) : null,
      accepted: (connection) => this.#accept(connection),
      refused: (reason, remoteAddress) =>
        this.#options.log.warn('peer refused', { remoteAddress, reason }),
    })
  }

  #plainServer(serverId: string): PlainServer {
    return {
      serverId,
      hopKeyOf: (peerId) => {
        const key = this.#routing.hopKeyOf(peerId)
        return key === null ? null : Buffer.from(key, 'base64')
      },
    }
  }

  #accept(connection: DataConnection): void {
    const { sessionsMax = SESSIONS_MAX } = this.#options
    if (this.#sessions.size >= sessionsMax) this.#makeRoom()
    if (this.#sessions.size >= sessionsMax)
      return connection.close({ code: 'BINDING_BUSY', message: 'too many connections' })
    const host = {
      bindings: this.#bindings,
      registrations: this.#reach.registrations,
      log: this.#options.log,
      times: this.#options.times ?? SESSION_TIMES,
      admit: (peerId: string, open: OpenMessage, target: TargetConfig) =>
        this.#admit(peerId, open, target),
      leaseFailure: () => this.#leaseFailure(),
      stands: (target: TargetConfig, position: TargetPosition, since: 'opened' | 'applied') => {
        if (since === 'applied' || this.#targets.isFailing(target.bindingId))
          this.#targets.stands(target, position)
      },
      failed: (target: TargetConfig, error: Failure) => this.#targets.failed(target, error),
      moved: (bindingId: string) => {
        const target = this.#bindings.target(bindingId)
        if (target !== null) this.#targets.look(target)
      },
      relay: (open: OpenMessage, parent: ParentSide) => this.#passOn(open, parent),
      ended: () => this.#sessions.delete(connection),
    }
    this.#sessions.set(connection, new Session(connection, host))
  }

  /** A connection that is only kept gives way: whoever kept it makes another one with its next job. */
  #makeRoom(): void {
    const idle = [...this.#sessions.values()].find((session) => session.isIdle)
    idle?.abort({ code: 'BINDING_BUSY', message: 'others need the connection' })
  }

  async #admit(
    peerId: string,
    open: OpenMessage,
    target: TargetConfig,
  ): Promise<Result<TicketClaims>> {
    const lease = this.#leaseFailure()
    if (lease !== null) return { ok: false, error: lease }
    if (!(await this.#isPeer(peerId)))
      return failure('PEER_UNTRUSTED', `cannot receive from "${peerId}": it is no peer`)
    const configuration = this.#configuration
    if (configuration === null) return failure('BINDING_UNKNOWN', 'nothing is configured here yet')
    return verifyTicket(configuration.ticketKey as JWK, {
      serverId: configuration.serverId,
      senderId: peerId,
      open,
      target,
      nowMs: this.#options.clock.nowMs(),
    })
  }

  /** Tickets outlive the right to use them. Of a peer that is new, others may have heard a moment earlier than this server. */
  async #isPeer(peerId: string): Promise<boolean> {
    const untilMs = performance.now() + NEW_PEER_MS
    while (!this.#routing.knows(peerId) && performance.now() < untilMs)
      await Bun.sleep(NEW_PEER_LOOK_MS)
    return this.#routing.knows(peerId)
  }

  #passOn(open: OpenMessage, parent: ParentSide): RelayStream {
    const left = () => [...this.#streams].filter((each) => each.hasLeft).length
    const host = {
      mayLeave: () => left() < LEFT_STREAMS_MAX,
      ended: () => void this.#streams.delete(stream),
    }
    const stream = new RelayStream(this.#relayOptions, { open, parent, host })
    this.#streams.add(stream)
    return stream
  }

  get #relayOptions(): RelayOptions {
    const { clock, log, report, relayTimes = RELAY_TIMES } = this.#options
    const configuration = this.#configuration
    if (configuration === null) throw new AppError('INTERNAL', 'nothing is configured here yet')
    const { serverId, identity } = configuration
    return {
      serverId,
      identity,
      connections: this.#childConnections,
      report,
      clock,
      log,
      times: relayTimes,
      addressesOf: (peerId, scope) => this.#routing.addressesOf(peerId, scope),
      hopKeyOf: (peerId) => this.#routing.hopKeyOf(peerId),
    }
  }

  #leaseFailure(): Failure | null {
    const until = this.#configuration?.leaseUntil ?? null
    if (until !== null && this.#options.clock.nowMs() < Date.parse(until)) return null
    return { code: 'LEASE_EXPIRED', message: `cannot receive: the lease ended at ${until}` }
  }
}

function listensAlike(left: SyncServerConfiguration, right: SyncServerConfiguration): boolean {
  if (mayBePlain(left) !== mayBePlain(right)) return false
  return Bun.deepEquals(left.listen, right.listen) && Bun.deepEquals(left.identity, right.identity)
}

/** Who has no key with anybody listens for TLS alone. */
function mayBePlain({ peers }: SyncServerConfiguration): boolean {
  return peers.some((peer) => peer.hopKey !== undefined)
}
