import { AppError, toAppError } from '../../core/base/errors.ts'
import {
  type AgentMessageOf,
  CONTROL_PROTOCOL,
  type MasterMessage,
} from '../../core/wire/control.ts'
import { VERSION } from '../../platform/version.ts'
import { ControlClient, type ControlState } from '../control/control-client.ts'
import { describePlatform } from '../enrolment/enrol.ts'
import { RoutingTable } from '../routing-table.ts'
import { type SupervisorOptions, SyncServerSupervisor } from '../supervisor.ts'
import { createSyncClient } from '../sync-client/sync-client.ts'
import type { AgentParts } from './agent-parts.ts'
import { Agent, type AgentView, type RunningParts, syncServerConfiguration } from './agent.ts'
import { HeldSources } from './held-sources.ts'
import { Jobs } from './jobs.ts'
import { Lease } from './lease.ts'
import { MessageQueue } from './message-queue.ts'

/** An agent at work. */
export interface StartedAgent {
  readonly view: () => AgentView
  /** Resolves when the master has revoked this agent: it must be stopped and not come back. */
  readonly revoked: Promise<AppError>
  /** Stops everything within 5 s; `reason` is told to the master. */
  stop(reason: string): Promise<void>
}

/** How long the start waits for the Sync Server's port, which decides whether it is a start at all. */
const FIRST_PORT_MS = 15_000

/**
 * Starts the agent: first the Sync Server, then what was in force before the restart, then the connection to the master.
 * Throws what makes a start pointless, for instance PORT_IN_USE.
 */
export async function startAgent(parts: AgentParts): Promise<StartedAgent> {
  const revoked = Promise.withResolvers<AppError>()
  const { agent, running } = await assemble(parts, (reason) => revoked.resolve(reason))
  const stop = (reason: string) => stopAll(parts, running, reason)
  try {
    await running.syncServer?.firstPort(FIRST_PORT_MS)
    await agent.resume()
  } catch (thrown) {
    await stop('the start failed')
    throw thrown
  }
  running.control.connect()
  return { view: () => agent.view, revoked: revoked.promise, stop }
}

async function assemble(
  parts: AgentParts,
  onRevoked: (reason: AppError) => void,
): Promise<{ agent: Agent; running: RunningParts }> {
  const { identity, log } = parts
  const queue = new MessageQueue<MasterMessage>({
    handle: (message) => agent.handle(message),
    onError: (thrown, message) => {
      log.error('a message of the master failed', { type: message.type, error: toAppError(thrown) })
      // A new connection brings the whole configuration again.
      control.drop(`cannot handle ${message.type}`)
    },
    onOverflow: () => control.drop('messages come faster than they can be handled'),
  })
  const onState = (state: ControlState): void => {
    queue.clear()
    agent.connectionChanged()
    if (state.kind !== 'revoked') return
    agent.forget()
    onRevoked(new AppError(state.reason.code, `cannot go on: ${state.reason.message}`))
  }
  const control = await ControlClient.create({
    ...parts,
    masters: identity.masters.map((url) => new URL(url)),
    subject: identity,
    authorityPem: identity.authorityPem,
    hello: (master) => hello(parts, running, master),
    onMessage: queue.push,
    onState,
    ...(parts.controlTimes && { times: parts.controlTimes }),
  })
  const running = await startParts(parts, control, () => agent)
  const agent = new Agent(parts, running)
  return { agent, running }
}

async function startParts(
  parts: AgentParts,
  control: ControlClient,
  agent: () => Agent,
): Promise<RunningParts> {
  const { clock, identity, log } = parts
  const routing = new RoutingTable()
  const report = (message: AgentMessageOf<'jobReport'>): void => void control.send(message)
  const detection = await parts.startDetection({
    onReport: (message) => void control.send(message),
    onChanges: (page) => control.send(page),
  })
  const held = new HeldSources({
    ...parts,
    targets: () => agent().view.effective?.targets ?? [],
  })
  const sending = createSyncClient({
    ...parts,
    serverId: identity.serverId,
    identity: () => ({
      key: identity.keyPem,
      certificate: identity.certificatePem,
      authority: agent().authorityPem,
    }),
    addressesOf: (serverId, scope) => routing.addressesOf(serverId, scope),
    dialsOut: parts.syncServer?.dialsOut ?? false,
    hopKeyOf: (serverId) => routing.hopKeyOf(serverId),
    outbound: ({ sourceId, holderId }) =>
      holderId === undefined ? detection.outbound(sourceId) : held.open(holderId, sourceId),
    journalBehind: (sourceId) => {
      const failed = (thrown: unknown) =>
        log.error('no new epoch could be begun', { sourceId, error: toAppError(thrown) })
      detection.renewEpoch(sourceId).catch(failed)
    },
    report,
  })
  const jobs = new Jobs({
    sending,
    serverId: identity.serverId,
    refusal: () => agent().refusal(),
    report,
    onError: (thrown, jobId) => log.error('a job failed', { jobId, error: toAppError(thrown) }),
  })
  const lease = new Lease(clock, () => {
    log.warn('the lease has ended; running jobs are stopped')
    jobs.cancelAll({ code: 'LEASE_EXPIRED', message: 'the lease has ended' })
  })
  return {
    control,
    detection,
    held,
    sending,
    jobs,
    lease,
    routing,
    syncServer: supervise(parts, control, routing),
    monitor: parts.startMonitor((figures) => void control.send({ type: 'figures', ...figures })),
  }
}

function supervise(
  parts: AgentParts,
  control: ControlClient,
  routing: RoutingTable,
): SyncServerSupervisor | null {
  if (parts.syncServer === null) return null
  const { spawn } = parts.syncServer
  const onReport: SupervisorOptions['onReport'] = (message) => void control.send(message)
  return new SyncServerSupervisor(
    { ...parts, spawn, onReport, onWays: (ways) => routing.replaceWays(ways) },
    syncServerConfiguration(parts, null, null),
  )
}

async function hello(
  parts: AgentParts,
  running: RunningParts,
  master: URL,
): Promise<AgentMessageOf<'hello'>> {
  const { rules, syncServer, identity } = parts
  const listen = syncServer?.listen ?? null
  const port = running.syncServer?.status.port ?? listen?.port ?? 0
  const dialsOut = syncServer?.dialsOut ?? false
  const addresses =
    listen === null || dialsOut ? [] : await parts.addresses(master, { host: listen.host, port })
  const roles = identity.roles.filter((role) => rules.roles?.includes(role) ?? true)
  return {
    type: 'hello',
    protocol: CONTROL_PROTOCOL,
    agentVersion: VERSION,
    roles,
    // A port that is not known yet is no address.
    addresses: addresses.filter((address) => address.port > 0),
    dialsOut,
    platform: describePlatform(),
  }
}

async function stopAll(parts: AgentParts, running: RunningParts, reason: string): Promise<void> {
  const { control, detection, held, lease, monitor, sending, syncServer } = running
  lease.stop()
  const stopped = await Promise.allSettled([
    control.stop(reason),
    sending.stop(),
    syncServer?.stop(),
    detection.stop(),
    monitor.stop(),
  ])
  held.close()
  for (const one of stopped) {
    if (one.status === 'rejected')
      parts.log.error('a part did not stop cleanly', { error: toAppError(one.reason) })
  }
}
