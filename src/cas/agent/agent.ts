import { type ByteString, toText } from '../../core/base/byte-string.ts'
import { AppError, toAppError } from '../../core/base/errors.ts'
import type { Failure } from '../../core/base/result.ts'
import type { AgentConfig, MasterMessage, MasterMessageOf } from '../../core/wire/control.ts'
import { compilePatterns } from '../../platform/pattern.ts'
import type { ControlClient, ControlState } from '../control/control-client.ts'
import { toFailure } from '../control/greeting.ts'
import type { RoutingTable } from '../routing-table.ts'
import type { SyncServerConfiguration, SyncServerSupervisor } from '../supervisor.ts'
import type { SyncClient } from '../sync-client/sync-client.ts'
import type { AgentParts } from './agent-parts.ts'
import { type EffectiveConfig, effectiveConfig } from './effective-config.ts'
import { FILTER_TRIAL_MS, FilterTrials } from './filter-trials.ts'
import type { HeldSources } from './held-sources.ts'
import type { Jobs } from './jobs.ts'
import type { Lease } from './lease.ts'
import { listFiles } from './list-files.ts'
import type { Detection, HostMonitor } from './seams.ts'

/** The running parts between which the agent carries messages. */
export interface RunningParts {
  readonly control: ControlClient
  readonly detection: Detection
  readonly held: HeldSources
  readonly sending: SyncClient
  readonly jobs: Jobs
  readonly lease: Lease
  readonly routing: RoutingTable
  readonly syncServer: SyncServerSupervisor | null
  readonly monitor: HostMonitor
}

/** What people are shown of a running agent. */
export interface AgentView {
  readonly control: ControlState
  readonly config: AgentConfig | null
  readonly effective: EffectiveConfig | null
  readonly leaseHolds: boolean
  readonly syncServer: SyncServerSupervisor['status'] | null
  readonly reports: ControlClient['reports']
  /** Per source, up to where the master has recorded its changes. */
  readonly recorded: ReadonlyMap<string, number>
  readonly runningJobs: readonly string[]
  /** The newest seq in a source's journal, which runs ahead of its reports; null where it is not watched. */
  readonly headSeq: (sourceId: string) => number | null
}

/** Does what the newest configuration says, as far as this host allows, and what the master asks for. */
export class Agent {
  readonly #parts: AgentParts
  readonly #running: RunningParts
  readonly #recorded = new Map<string, number>()
  readonly #filterTrials: FilterTrials
  #config: AgentConfig | null = null
  #effective: EffectiveConfig | null = null
  /** Counts connections, so that a slow answer to an old one is not taken for one to the present. */
  #connection = 0
  /** The connection over which the configuration in force came; 0 for the disk. */
  #configuredBy = 0

  constructor(parts: AgentParts, running: RunningParts) {
    this.#parts = parts
    this.#running = running
    const bounds = { compile: compilePatterns, timeMs: FILTER_TRIAL_MS }
    this.#filterTrials = new FilterTrials({ ...this.#browsing, ...bounds })
  }

  get view(): AgentView {
    const { control, detection, jobs, lease, syncServer } = this.#running
    return {
      control: control.state,
      config: this.#config,
      effective: this.#effective,
      leaseHolds: lease.holds(),
      syncServer: syncServer?.status ?? null,
      reports: control.reports,
      recorded: this.#recorded,
      runningJobs: jobs.running.map((job) => job.jobId),
      headSeq: (sourceId) => detection.outbound(sourceId)?.headSeq() ?? null,
    }
  }

  /** PEM of the authority that other agents are verified with, as of now. */
  get authorityPem(): string {
    return this.#config?.authorityPem ?? this.#parts.identity.authorityPem
  }

  /** Takes up what was in force before the restart, so that the agent works while the master is away. */
  async resume(): Promise<void> {
    const kept = this.#parts.configStore.load()
    if (kept !== null) await this.#apply(kept)
  }

  /** A new connection: its first configuration counts whatever its revision, because the master may be a restored one. */
  connectionChanged(): void {
    this.#connection++
  }

  /** Acts on one message; the next one waits until this resolves. */
  async handle(message: MasterMessage): Promise<void> {
    const { detection, jobs } = this.#running
    switch (message.type) {
      case 'config':
        return await this.#configure(message)
      case 'job':
        return jobs.start(message)
      case 'hops':
        return this.#running.syncServer?.changeHops(message)
      case 'cancelJob':
        // What is sent to some of its targets is the sender's business, and its children's by that.
        if (message.bindingIds === undefined) this.#running.syncServer?.cancelJob(message)
        return jobs.cancel(message.jobId, toFailure(message.reason), message.bindingIds)
      case 'changesRecorded':
        this.#recorded.set(message.sourceId, message.upTo)
        return detection.changesRecorded(message)
      case 'listFiles':
        this.#running.control.send(listFiles(message, this.#browsing))
        return
      case 'flush':
        // The barrier may take a while; what comes after it need not wait.
        return void this.#flush(message)
      case 'tryFilter':
        return void this.#tryFilter(message)
      case 'resolveHold':
        return void this.#resolveHold(message)
      case 'welcome':
      case 'refused':
        return
    }
  }

  /** Why no job may be run now, or null. */
  refusal(): Failure | null {
    if (!this.#running.lease.holds()) {
      const until = this.#config?.leaseUntil ?? null
      const message =
        until === null ? 'no lease: the master has no valid licence' : `the lease ended at ${until}`
      return { code: 'LEASE_EXPIRED', message: `cannot synchronize: ${message}` }
    }
    if (this.#effective?.roles.includes('cas')) return null
    return { code: 'FORBIDDEN', message: 'cannot send: this agent does not have the role cas' }
  }

  /** Forgets everything it was told: a revoked agent must not take up its work again. */
  forget(): void {
    this.#parts.configStore.forget()
  }

  get #browsing() {
    return { allowList: this.#parts.rules.allowList, openTree: this.#parts.openTree }
  }

  async #configure(config: AgentConfig): Promise<void> {
    if (config.serverId !== this.#parts.identity.serverId)
      throw new AppError('PROTOCOL', `the configuration is for "${config.serverId}"`)
    const connection = this.#connection
    const isStale = config.revision < (this.#config?.revision ?? 0)
    if (isStale && this.#configuredBy === connection) return
    this.#parts.configStore.save(config)
    await this.#apply(config)
    if (this.#connection === connection) this.#configuredBy = connection
  }

  async #apply(config: AgentConfig): Promise<void> {
    const { control, detection, lease, monitor, routing, sending, syncServer } = this.#running
    const effective = effectiveConfig(config, this.#parts.rules)
    this.#config = config
    this.#effective = effective
    this.#recorded.clear()
    for (const { sourceId, known } of config.sources) this.#recorded.set(sourceId, known?.seq ?? 0)
    routing.replace(config.revision, config.peers)
    sending.shutOut((serverId) => !routing.knows(serverId))
    lease.renew(config.leaseUntil)
    syncServer?.configure(syncServerConfiguration(this.#parts, config, effective))
    for (const report of effective.refusals) {
      this.#parts.log.warn('a root is refused', { policyId: report.policyId, error: report.error })
      control.send(report)
    }
    // Before detection begins again where the master stands, so that its pages are taken.
    control.configured({
      sourceIds: new Set(config.sources.map((source) => source.sourceId)),
      bindingIds: new Set(config.targets.map((target) => target.bindingId)),
    })
    monitor.configure(effective.roles.includes('sm') ? rootsOf(effective) : null)
    await detection.configure(effective.sources)
    const { revision } = config
    const counts = { sources: effective.sources.length, targets: effective.targets.length }
    this.#parts.log.info('configured', { revision, ...counts, leaseUntil: config.leaseUntil })
  }

  /** What is held where this agent receives, its Sync Server answers. */
  async #resolveHold(request: MasterMessageOf<'resolveHold'>): Promise<void> {
    const { control, detection, syncServer } = this.#running
    const { place, fingerprint, decision } = request
    const answer = { type: 'holdResolved', requestId: request.requestId } as const
    try {
      if (place.kind === 'binding') return requireChild(syncServer).resolveHold(request)
      const word = { sourceId: place.sourceId, fingerprint, decision }
      control.send({ ...answer, ...(await detection.resolveHold(word)), error: null })
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      control.send({ ...answer, outcome: 'unknown', position: null, error: { code, message } })
    }
  }

  async #tryFilter(request: MasterMessageOf<'tryFilter'>): Promise<void> {
    this.#running.control.send(await this.#filterTrials.answer(request))
  }

  async #flush(request: MasterMessageOf<'flush'>): Promise<void> {
    const { control, detection } = this.#running
    const answer = { type: 'flushed', requestId: request.requestId } as const
    try {
      const sources = await detection.flush(request.policyId)
      control.send({ ...answer, sources, error: null })
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      control.send({ ...answer, sources: [], error: { code, message } })
    }
  }
}

/** What is not UTF-8 cannot be asked for by its name. */
function rootsOf({ sources, targets }: EffectiveConfig): string[] {
  const paths = new Set([...sources, ...targets].map(({ path }) => path))
  return [...paths].flatMap((path) => {
    const { text, exact } = toText(path as ByteString)
    return exact ? [text] : []
  })
}

function requireChild(syncServer: SyncServerSupervisor | null): SyncServerSupervisor {
  if (syncServer !== null) return syncServer
  throw new AppError('PLATFORM_UNSUPPORTED', 'cannot answer: this host does not receive')
}

/** What the Sync Server is told; before the first configuration, only where to listen. */
export function syncServerConfiguration(
  parts: AgentParts,
  config: AgentConfig | null,
  effective: EffectiveConfig | null,
): SyncServerConfiguration {
  const { identity, syncServer } = parts
  return {
    type: 'configure',
    serverId: identity.serverId,
    listen: syncServer?.listen ?? { host: '127.0.0.1', port: 0 },
    identity: {
      key: identity.keyPem,
      certificate: identity.certificatePem,
      authority: config?.authorityPem ?? identity.authorityPem,
    },
    ticketKey: config?.ticketKey ?? {},
    leaseUntil: config?.leaseUntil ?? null,
    targets: [...(effective?.targets ?? [])],
    peers: [...(config?.peers ?? [])],
    dialsOut: syncServer?.dialsOut ?? false,
  }
}
