import { AppError } from '../../core/base/errors.ts'
import { plan } from '../../core/plan/planner.ts'
import { WriteGate } from '../../platform/write-gate.ts'
import type { Actor, JobControl, MasterContext, SyncRequest } from '../context.ts'
import { findJob, findPolicy } from '../use-cases/lookup.ts'
import { type AgentReport, applyReport } from './agent-reports.ts'
import { type Topology, jobMessage, readTopology, routeOf } from './instruct.ts'
import { loadPolicy, policyIds } from './load.ts'
import { planState } from './plan-state.ts'
import { markConnected, markDisconnected } from './presence.ts'
import { type JobRuntime, type PolicyRuntime } from './runtime.ts'
import { startJob } from './start.ts'
import { syncPolicy } from './sync.ts'
import { cancelTargets, runsOf } from './targets.ts'
import { nextLookMs, watchJobs } from './watch.ts'
import { Work } from './work.ts'

export type EngineContext = Pick<
  MasterContext,
  'database' | 'clock' | 'log' | 'events' | 'authority' | 'license' | 'fleet'
>

/** Messages handled in one transaction: bounds how long one takes while agents send faster than the disk writes. */
const BATCH_MAX = 256

type Task = (work: Work) => void

interface InstructOrder {
  readonly policy: PolicyRuntime
  readonly job: JobRuntime
  readonly sourceId: string
  readonly runId: string
  readonly bindingIds: readonly string[]
}

/**
 * Turns what agents say into jobs. One thing at a time: messages are handled in batches, each batch in memory, then in
 * one transaction, and only then is anything told to anyone; so a kill at any line loses nothing that was promised, and
 * what was written but not told is told when the agent is back.
 */
export class JobEngine implements JobControl {
  readonly #context: EngineContext
  readonly #lane = new WriteGate()
  readonly #policies = new Map<string, PolicyRuntime>()
  readonly #queue: Task[] = []
  readonly #wakeAtMs = new Map<string, number>()
  #topology: Topology = { places: new Map(), hopRules: [] }
  #draining = false
  #timer: ReturnType<typeof setTimeout> | null = null
  #stopped = false

  constructor(context: EngineContext) {
    this.#context = context
  }

  /** Takes up what the database says is under way. Agents that were told of a job are told again when they come. */
  async start(): Promise<void> {
    await this.#lane.run(() => this.#reload('all'))
  }

  /** Ends planning; what is being written is finished. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#lane.idle()
  }

  /** The runtime of a policy, to be read only; null where there is none. */
  policy(policyId: string): PolicyRuntime | null {
    return this.#policies.get(policyId) ?? null
  }

  /** How many messages wait to be handled. */
  get waiting(): number {
    return this.#queue.length
  }

  /** An agent introduced itself; what it is to do is told again. */
  agentConnected(serverId: string): void {
    this.#enqueue((work) => {
      for (const policy of this.#policies.values()) {
        markConnected(work, { policy, serverId })
        for (const job of policy.jobs.values()) this.#instructAgain(work, { policy, job, serverId })
      }
    })
  }

  agentDisconnected(serverId: string): void {
    this.#enqueue((work) => {
      for (const policy of this.#policies.values()) markDisconnected(work, { policy, serverId })
    })
  }

  /** Takes in what an agent says. `onGap` is called where changes before these are missing. */
  report(serverId: string, report: AgentReport, onGap: () => void): void {
    this.#enqueue((work) => {
      const outcome = applyReport(work, this.#policies, { serverId, report })
      if (outcome === 'gap') onGap()
      if (outcome === 'foreign') {
        const { log } = this.#context
        log.warn('report about what is not the agent’s ignored', { serverId, type: report.type })
      }
    })
  }

  /** The licence became valid or ended. */
  licenseChanged(): void {
    this.#enqueue((work) => this.#stopWhatMayNotRun(work))
  }

  async change<T>(
    work: () => Promise<T>,
    affected: (result: T) => readonly string[] | 'all',
  ): Promise<T> {
    return await this.#lane.run(async () => {
      const value = await work()
      // Before the reload, so that no job is told to an agent that does not know its policy yet.
      this.#context.fleet.configChanged()
      await this.#reload(affected(value))
      return value
    })
  }

  async sync(request: SyncRequest): Promise<string> {
    const row = await findPolicy(this.#context.database.read, request.policyId)
    return await this.#inBatch((work) => {
      const policy = this.#policies.get(row.id)
      if (policy === undefined) throw new AppError('NOT_FOUND', `cannot find policy "${row.id}"`)
      return syncPolicy(work, policy, request)
    })
  }

  async cancel(jobId: string, actor: Actor): Promise<void> {
    const row = await findJob(this.#context.database.read, jobId)
    await this.#inBatch((work) => {
      const policy = this.#policies.get(row.policyId)
      const job = policy?.jobs.get(jobId)
      if (policy === undefined || job === undefined) return
      for (const { bindingId, sourceId } of job.targets.values()) {
        const binding = policy.bindings.get(bindingId)
        const waivedSeq = policy.sources.get(sourceId)?.headSeq ?? null
        if (binding?.runningJobId === jobId) binding.waivedSeq = waivedSeq
      }
      const message = `cancelled by ${actor.name}`
      cancelTargets(work, { policy, job }, { targets: [...job.targets.values()], message })
    })
  }

  async #inBatch<T>(task: (work: Work) => T): Promise<T> {
    return await new Promise((resolve, reject) => {
      this.#enqueue((work) => {
        try {
          const value = task(work)
          work.onWritten(() => resolve(value), reject)
        } catch (thrown) {
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
        }
      })
    })
  }

  #enqueue(task: Task): void {
    if (this.#stopped) return
    this.#queue.push(task)
    if (this.#draining) return
    this.#draining = true
    void this.#drain()
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#lane.run(() => this.#runBatch(this.#queue.splice(0, BATCH_MAX)))
    }
    this.#draining = false
  }

  async #runBatch(tasks: readonly Task[]): Promise<void> {
    const work = new Work(this.#context.clock.nowMs())
    try {
      for (const task of tasks) task(work)
      this.#planDirty(work)
      await this.#commit(work)
    } catch (thrown) {
      await this.#recover(work, thrown)
      return
    }
    work.written()
    for (const event of work.events) this.#context.events.publish(event)
    await this.#tell(work)
    this.#schedule()
  }

  async #commit(work: Work): Promise<void> {
    if (work.statements.length === 0) return
    await this.#context.database.write(async (writer) => {
      for (const statement of work.statements) await statement(writer)
    })
  }

  /** Memory is ahead of the database: it is read anew, and agents, cut off, say again what was not written. */
  async #recover(work: Work, thrown: unknown): Promise<void> {
    const { log, fleet } = this.#context
    log.error('writing what agents reported failed', { error: thrown })
    work.failed(thrown)
    for (const serverId of fleet.connectedIds()) {
      fleet.disconnect(serverId, { code: 'INTERNAL', message: 'the master lost its place' })
    }
    try {
      await this.#reload('all')
    } catch (again) {
      log.error('reading the state of jobs failed', { error: again })
    }
  }

  #planDirty(work: Work): void {
    for (const policyId of work.dirty) {
      const policy = this.#policies.get(policyId)
      if (policy === undefined) continue
      const licensed = this.#isLicensed()
      const decided = plan(planState(policy, { nowMs: work.nowMs, licensed }))
      for (const planned of decided.jobs) {
        const started = startJob(work, policy, planned)
        const { sourceId, bindingIds } = planned
        this.#instruct(work, { policy, ...started, sourceId, bindingIds })
      }
      const wakeAtMs = nextLookMs(policy, decided.wakeAtMs)
      if (wakeAtMs === null) this.#wakeAtMs.delete(policyId)
      else this.#wakeAtMs.set(policyId, wakeAtMs)
    }
  }

  #instruct(work: Work, order: InstructOrder): void {
    const { policy, job, sourceId, runId } = order
    const source = policy.sources.get(sourceId)
    if (source === undefined || order.bindingIds.length === 0) return
    const tree = routeOf({ topology: this.#topology, ...order })
    const { tickets } = this.#context.authority
    const { nowMs } = work
    const message = () => jobMessage({ tree, policy, job, sourceId, runId, tickets, nowMs })
    work.instruct(source.serverId, message)
  }

  /** Sends a running job again to the agent that carries it: it may never have heard of it, or have forgotten. */
  #instructAgain(
    work: Work,
    order: { policy: PolicyRuntime; job: JobRuntime; serverId: string },
  ): void {
    const { policy, job, serverId } = order
    for (const source of policy.sources.values()) {
      if (source.serverId !== serverId) continue
      const { sourceId } = source
      const running = [...job.targets.values()].filter(
        (target) => target.state === 'running' && target.sourceId === sourceId,
      )
      for (const target of running) target.heardAtMs = work.nowMs
      for (const [runId, targets] of Map.groupBy(running, (t) => t.runId ?? job.jobId)) {
        const bindingIds = targets.map((target) => target.bindingId)
        this.#instruct(work, { policy, job, sourceId, runId, bindingIds })
      }
    }
  }

  async #tell(work: Work): Promise<void> {
    for (const { serverId, message } of work.instructions) {
      try {
        const made = typeof message === 'function' ? await message() : message
        if (made.type === 'job') await this.#context.fleet.configSettled()
        this.#context.fleet.send(serverId, made)
      } catch (thrown) {
        this.#context.log.error('telling an agent failed', { serverId, error: thrown })
      }
    }
  }

  async #reload(which: readonly string[] | 'all'): Promise<void> {
    const { database } = this.#context
    const ids = which === 'all' ? await policyIds(database.read) : which
    const stale = which === 'all' ? [...this.#policies.keys()] : which
    const before = new Map(stale.map((id) => [id, this.#policies.get(id)]))
    for (const id of stale) this.#policies.delete(id)
    this.#topology = await readTopology(database.read)
    const work = new Work(this.#context.clock.nowMs())
    for (const id of ids) {
      const loaded = await loadPolicy(database.read, id)
      if (loaded !== null) this.#adopt(work, { loaded, before: before.get(id) })
    }
    for (const old of before.values()) {
      if (old !== undefined) this.#cancelOrphans(work, old)
    }
    this.#stopWhatMayNotRun(work)
    this.#planDirty(work)
    await this.#commit(work)
    for (const event of work.events) this.#context.events.publish(event)
    await this.#tell(work)
    this.#schedule()
  }

  /** Takes over what only memory knows: who is connected, and what was tried. */
  #adopt(work: Work, order: { loaded: PolicyRuntime; before: PolicyRuntime | undefined }): void {
    const { loaded, before } = order
    const { fleet } = this.#context
    for (const source of loaded.sources.values())
      source.connected = fleet.isConnected(source.serverId)
    for (const binding of loaded.bindings.values()) {
      binding.connected = fleet.isConnected(binding.serverId)
      const old = before?.bindings.get(binding.bindingId)
      binding.reported = old?.reported ?? false
      binding.lastTry = old?.lastTry ?? null
      binding.waivedSeq = old?.waivedSeq ?? null
    }
    for (const [jobId, job] of loaded.jobs) {
      for (const [bindingId, target] of job.targets) {
        target.heardAtMs = before?.jobs.get(jobId)?.targets.get(bindingId)?.heardAtMs ?? work.nowMs
        if (loaded.bindings.has(bindingId)) continue
        const message = 'the target does not belong to the policy any more'
        cancelTargets(work, { policy: loaded, job }, { targets: [target], message })
      }
    }
    this.#policies.set(loaded.policyId, loaded)
    work.dirty.add(loaded.policyId)
  }

  /** The jobs of a policy that was deleted are not in the database any more, but still at the agents. */
  #cancelOrphans(work: Work, old: PolicyRuntime): void {
    if (this.#policies.has(old.policyId)) return
    this.#wakeAtMs.delete(old.policyId)
    const reason = { code: 'CANCELLED', message: 'the policy was deleted' }
    for (const { serverId, runId } of [...old.jobs.values()].flatMap((job) =>
      runsOf(old, job.targets.values()),
    )) {
      work.instruct(serverId, { type: 'cancelJob', jobId: runId, reason })
    }
  }

  #stopWhatMayNotRun(work: Work): void {
    const licensed = this.#isLicensed()
    for (const policy of this.#policies.values()) {
      work.dirty.add(policy.policyId)
      if (licensed && policy.plan.enabled) continue
      const message = licensed ? 'the policy was paused' : 'there is no valid licence'
      for (const job of policy.jobs.values()) {
        const running = [...job.targets.values()].filter((target) => target.state === 'running')
        cancelTargets(work, { policy, job }, { targets: running, message })
      }
    }
  }

  #isLicensed(): boolean {
    const { state } = this.#context.license.current()
    return state === 'valid' || state === 'grace'
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#stopped || this.#wakeAtMs.size === 0) return
    const wakeAtMs = Math.min(...this.#wakeAtMs.values())
    const delayMs = Math.max(0, wakeAtMs - this.#context.clock.nowMs())
    this.#timer = setTimeout(() => this.#wake(), Math.min(delayMs, 60_000))
  }

  #wake(): void {
    this.#enqueue((work) => {
      for (const [policyId, atMs] of this.#wakeAtMs) {
        if (atMs > work.nowMs) continue
        this.#wakeAtMs.delete(policyId)
        const policy = this.#policies.get(policyId)
        if (policy === undefined) continue
        work.dirty.add(policyId)
        for (const { job, serverId } of watchJobs(work, policy)) {
          this.#instructAgain(work, { policy, job, serverId })
        }
      }
    })
  }
}
