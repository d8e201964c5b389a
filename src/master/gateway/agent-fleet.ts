import { eq, inArray } from 'drizzle-orm'

import type { ByteString } from '../../core/base/byte-string.ts'
import { AppError } from '../../core/base/errors.ts'
import {
  type AgentMessage,
  type AgentMessageOf,
  CONTROL_PROTOCOL,
  type MasterMessage,
  type MasterMessageOf,
} from '../../core/wire/control.ts'
import type { FilterTrial } from '../../core/wire/filter-trial.ts'
import { iso } from '../../platform/clock.ts'
import { type ConfigContext, ConfigSender } from '../config/config-sender.ts'
import type { Fleet, FlushedSource, MasterContext, ObservedServer } from '../context.ts'
import { servers } from '../db/schema.ts'
import { FleetHealth, type ServerHealth } from '../health/fleet-health.ts'
import type { JobEngine } from '../jobs/engine.ts'
import type { FolderEntry, ServerState } from '../model.ts'
import { shownPath } from '../policies/roots.ts'
import type { AgentConnection } from './connection.ts'

export type FleetContext = ConfigContext & Pick<MasterContext, 'events' | 'settings'>

/** Beyond so many messages that wait, whoever sends more is cut off: it says all again when it comes back. */
const WAITING_MAX = 20_000

/** The agents that are connected, one connection each, and what passes between them and the rest of the master. */
export class AgentFleet implements Fleet {
  readonly #context: FleetContext
  readonly #connections = new Map<string, AgentConnection>()
  /** Servers whose agent speaks another protocol; known until it comes back or the master restarts. */
  readonly #incompatible = new Set<string>()
  readonly #configs: ConfigSender
  readonly #health: FleetHealth
  #engine: JobEngine | null = null

  constructor(context: FleetContext) {
    this.#context = context
    this.#health = new FleetHealth(context)
    this.#configs = new ConfigSender(context, {
      connectedIds: () => this.connectedIds(),
      deliver: (serverId, config) => void this.send(serverId, config),
    })
  }

  /** The engine needs the fleet to be made, and the fleet the engine to run. */
  attach(engine: JobEngine): void {
    this.#engine = engine
  }

  isConnected(serverId: string): boolean {
    return this.#connections.has(serverId)
  }

  connectedIds(): readonly string[] {
    return [...this.#connections.keys()]
  }

  healthOf(serverId: string): ServerHealth {
    return this.#health.of(serverId)
  }

  stateOf(server: ObservedServer): ServerState {
    if (server.revokedAtMs !== null) return 'revoked'
    if (this.#connections.has(server.id)) return 'up'
    if (this.#incompatible.has(server.id)) return 'incompatible'
    return server.lastSeenAtMs === null ? 'pending' : 'down'
  }

  send(serverId: string, message: MasterMessage): boolean {
    return this.#connections.get(serverId)?.send(message) ?? false
  }

  disconnect(serverId: string, refusal: { code: string; message: string }): void {
    this.#connections.get(serverId)?.refuse(refusal)
  }

  /** Ends every connection, because the master stops: agents come back by themselves. */
  async stop(): Promise<void> {
    const refusal = { code: 'MASTER_UNREACHABLE', message: 'the master stops' }
    const leaving = [...this.#connections.values()].map(async (connection) => {
      connection.refuse(refusal)
      await this.leave(connection)
    })
    await Promise.all([...leaving, this.#configs.stop(), this.#health.settled()])
  }

  async listFiles(serverId: string, path: string): Promise<readonly FolderEntry[]> {
    const connection = this.#connectionOf(serverId)
    const answer = await connection.requests.ask((requestId) =>
      connection.send({ type: 'listFiles', requestId, path }),
    )
    const entries = answer.type === 'filesListed' ? answer.entries : []
    return entries.map(({ name, type }) => toFolderEntry(name as ByteString, type))
  }

  async tryFilter(
    serverId: string,
    question: Pick<MasterMessageOf<'tryFilter'>, 'path' | 'include' | 'exclude'>,
  ): Promise<FilterTrial> {
    const connection = this.#connectionOf(serverId)
    const answer = await connection.requests.ask((requestId) =>
      connection.send({ type: 'tryFilter', requestId, ...question }),
    )
    if (answer.type === 'filterTried' && answer.trial !== null) return answer.trial
    throw new AppError('PROTOCOL', `cannot try the filter: the agent answered "${answer.type}"`)
  }

  async flush(serverId: string, policyId: string): Promise<readonly FlushedSource[]> {
    const connection = this.#connectionOf(serverId)
    const answer = await connection.requests.ask((requestId) =>
      connection.send({ type: 'flush', requestId, policyId }),
    )
    return answer.type === 'flushed' ? answer.sources : []
  }

  async resolveHold(
    serverId: string,
    question: Pick<MasterMessageOf<'resolveHold'>, 'place' | 'fingerprint' | 'decision'>,
  ): Promise<Pick<AgentMessageOf<'holdResolved'>, 'outcome' | 'position'>> {
    const connection = this.#connectionOf(serverId)
    const answer = await connection.requests.ask((requestId) =>
      connection.send({ type: 'resolveHold', requestId, ...question }),
    )
    return answer.type === 'holdResolved' ? answer : { outcome: 'unknown', position: null }
  }

  configChanged(): void {
    this.#configs.changed()
  }

  async configSettled(): Promise<void> {
    await this.#configs.settled()
  }

  /** An agent introduced itself. It is greeted and configured; an older connection of it ends. */
  async arrive(connection: AgentConnection, hello: AgentMessageOf<'hello'>): Promise<void> {
    const { serverId } = connection
    if (hello.protocol !== CONTROL_PROTOCOL) return this.#refuseProtocol(connection, hello)
    this.#incompatible.delete(serverId)
    const isReachedOtherwise = await this.#remember(serverId, hello)
    if (isReachedOtherwise) await this.#engine?.topologyChanged()
    const message = 'a newer connection of this agent replaced this one'
    this.#connections.get(serverId)?.refuse({ code: 'IN_USE', message })
    this.#connections.set(serverId, connection)
    this.#welcome(connection)
    this.#engine?.agentConnected(serverId)
    await this.#configs.connected(serverId)
    // Peers must learn of addresses that changed.
    this.#configs.changed()
    this.#announce(connection, 'up')
  }

  /** Takes in what an agent says after its hello. */
  receive(connection: AgentConnection, message: AgentMessage): void {
    if (this.#connections.get(connection.serverId) !== connection) return
    switch (message.type) {
      case 'sourceReport':
      case 'changes':
      case 'targetReport':
      case 'jobReport':
        return this.#report(connection, message)
      case 'filesListed':
      case 'flushed':
      case 'holdResolved':
      case 'filterTried':
        return connection.requests.answer(message)
      case 'figures':
        return this.#health.take(connection.serverId, message)
      case 'goodbye':
        this.#context.log.info('agent says goodbye', { server: connection.name, ...message })
        return
      case 'hello':
        return connection.refuse({ code: 'PROTOCOL', message: 'a second hello' })
    }
  }

  /** A connection ended. */
  async leave(connection: AgentConnection): Promise<void> {
    const { serverId } = connection
    connection.closed()
    if (this.#connections.get(serverId) !== connection) return
    this.#connections.delete(serverId)
    this.#health.forget(serverId)
    this.#configs.disconnected(serverId)
    this.#engine?.agentDisconnected(serverId)
    this.#announce(connection, 'down')
    await this.noteSeen([serverId])
  }

  /** Writes down that these servers are there now. */
  async noteSeen(serverIds: readonly string[]): Promise<void> {
    if (serverIds.length === 0) return
    const lastSeenAtMs = this.#context.clock.nowMs()
    await this.#context.database.write(async (writer) => {
      for (let start = 0; start < serverIds.length; start += 500) {
        const some = serverIds.slice(start, start + 500)
        await writer.update(servers).set({ lastSeenAtMs }).where(inArray(servers.id, some))
      }
    })
  }

  #report(
    connection: AgentConnection,
    message: AgentMessageOf<'sourceReport' | 'changes' | 'targetReport' | 'jobReport'>,
  ): void {
    if (this.#engine === null) return
    if (this.#engine.waiting > WAITING_MAX) {
      const text = 'the master does not keep up with so many reports'
      return connection.refuse({ code: 'TOO_MANY_ATTEMPTS', message: text })
    }
    this.#engine.report(connection.serverId, message, () => {
      const text = 'changes before these are missing: begin with what is recorded'
      connection.refuse({ code: 'PROTOCOL', message: text })
    })
  }

  #connectionOf(serverId: string): AgentConnection {
    const connection = this.#connections.get(serverId)
    if (connection !== undefined) return connection
    throw new AppError('PEER_UNREACHABLE', `cannot ask server "${serverId}": it is not connected`)
  }

  #refuseProtocol(connection: AgentConnection, hello: AgentMessageOf<'hello'>): void {
    this.#incompatible.add(connection.serverId)
    const message = `the agent speaks control protocol ${hello.protocol}, this master ${CONTROL_PROTOCOL}`
    connection.refuse({ code: 'INCOMPATIBLE', message })
    this.#announce(connection, 'incompatible')
  }

  /** Gives whether it only dials out now and did not before, or the other way round. */
  async #remember(serverId: string, hello: AgentMessageOf<'hello'>): Promise<boolean> {
    const { addresses, platform, agentVersion, dialsOut = false } = hello
    const lastSeenAtMs = this.#context.clock.nowMs()
    return await this.#context.database.write(async (writer) => {
      const [before] = await writer
        .select({ dialsOut: servers.dialsOut })
        .from(servers)
        .where(eq(servers.id, serverId))
      const seen = { addresses, dialsOut, platform, agentVersion, lastSeenAtMs }
      await writer.update(servers).set(seen).where(eq(servers.id, serverId))
      return before?.dialsOut !== dialsOut
    })
  }

  #welcome(connection: AgentConnection): void {
    connection.send({
      type: 'welcome',
      protocol: CONTROL_PROTOCOL,
      masterVersion: this.#context.settings.version,
      serverId: connection.serverId,
      time: iso(this.#context.clock.nowMs()),
    })
  }

  #announce(connection: AgentConnection, state: ServerState): void {
    const { serverId, name } = connection
    this.#context.log.info('agent changed state', { server: name, state })
    const data = { name, state }
    this.#context.events.publish({
      type: 'server',
      objectId: serverId,
      serverIds: [serverId],
      data,
    })
  }
}

function toFolderEntry(name: ByteString, type: FolderEntry['type']): FolderEntry {
  const { path, pathBytes } = shownPath(name)
  return { name: path, ...(pathBytes === undefined ? {} : { nameBytes: pathBytes }), type }
}
