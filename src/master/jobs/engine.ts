import { AppError, toAppError } from '../../core/base/errors.ts'
import type { DistributionTree } from '../../core/route/tree.ts'
import type { Actor, JobControl, MasterContext, RouteQuestion, SyncRequest } from '../context.ts'
import { findJob, findPolicy } from '../use-cases/lookup.ts'
import { type AgentReport, applyReport } from './agent-reports.ts'
import { Batches } from './batches.ts'
import { JobBook } from './book.ts'
import { serverOf, wirePlace } from './hold-place.ts'
import { beginResolving, endResolving } from './holds.ts'
import { markConnected, markDisconnected } from './presence.ts'
import type { JobRuntime, PolicyRuntime } from './runtime.ts'
import { syncPolicy } from './sync.ts'
import { cancelTargets, saveBinding } from './targets.ts'
import type { Work } from './work.ts'

export type EngineContext = Pick<
  MasterContext,
  'database' | 'clock' | 'log' | 'events' | 'authority' | 'license' | 'fleet'
>

/** A timer is set no longer ahead: the host's clock may be set meanwhile. */
const TIMER_MAX_MS = 60_000

/**
 * Turns what agents say into jobs. Everything goes through one lane of batches; what was written but not told is told
 * when the agent is back, so nothing is lost by a kill at any line.
 */
export class JobEngine implements JobControl {
  readonly #context: EngineContext
  readonly #book: JobBook
  readonly #batches: Batches
  #timer: ReturnType<typeof setTimeout> | null = null
  #stopped = false

  constructor(context: EngineContext) {
    this.#context = context
    this.#book = new JobBook(context)
    this.#batches = new Batches(context, {
      conclude: (work) => this.#book.planDirty(work),
      recover: (work) => this.#book.reload(work, 'all'),
      settled: () => this.#schedule(),
    })
  }

  /** Takes up what the database says is under way. Agents that were told of a job are told again when they come. */
  async start(): Promise<void> {
    await this.#batches.exclusively((work) => this.#book.reload(work, 'all'))
  }

  /** Ends planning; what is being written is finished. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#batches.stop()
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** How many messages wait to be handled. */
  get waiting(): number {
    return this.#batches.waiting
  }

  /** An agent introduced itself; what it is to do is told again. */
  agentConnected(serverId: string): void {
    this.#batches.enqueue((work) => {
      for (const policy of this.#book.policies.values()) {
        markConnected(work, { policy, serverId })
        for (const job of policy.jobs.values()) {
          this.#book.instructAgain(work, { policy, job, serverId })
        }
      }
    }, serverId)
  }

  /** Where servers stand, or how they are reached, is another now; their policies are planned when something happens. */
  async topologyChanged(): Promise<void> {
    await this.#batches.exclusively((work) => this.#book.reload(work, []))
  }

  agentDisconnected(serverId: string): void {
    this.#batches.enqueue((work) => {
      for (const policy of this.#book.policies.values())
        markDisconnected(work, { policy, serverId })
    })
  }

  /** Takes in what an agent says. `onGap` is called where changes before these are missing. */
  report(serverId: string, report: AgentReport, onGap: () => void): void {
    this.#batches.enqueue((work) => {
      const outcome = applyReport(work, this.#book.policies, { serverId, report })
      if (outcome === 'gap') onGap()
      if (outcome === 'foreign') {
        const { log } = this.#context
        log.warn('report about what is not the agent’s ignored', { serverId, type: report.type })
      }
    }, serverId)
  }

  /** The licence became valid or ended. */
  licenseChanged(): void {
    this.#batches.enqueue((work) => this.#book.stopWhatMayNotRun(work))
  }

  async change<T>(
    work: () => Promise<T>,
    affected: (result: T) => readonly string[] | 'all',
  ): Promise<T> {
    return await this.#batches.exclusively(async (collected) => {
      const value = await work()
      // Before anything is told, so that no job reaches an agent that does not know its policy yet.
      this.#context.fleet.configChanged()
      await this.#book.reload(collected, affected(value))
      return value
    })
  }

  async sync(request: SyncRequest): Promise<string> {
    const row = await findPolicy(this.#context.database.read, request.policyId)
    return await this.#batches.run((work) => {
      return syncPolicy(work, this.#policy(row.id), request)
    })
  }

  routes(policyId: string, request: RouteQuestion): readonly DistributionTree[] {
    const nowMs = this.#context.clock.nowMs()
    return this.#book.routes(policyId, { ...request, nowMs })
  }

  async approve(jobId: string, fingerprint: string): Promise<void> {
    const row = await findJob(this.#context.database.read, jobId)
    await this.#resolve({ jobId, policyId: row.policyId, fingerprint, decision: 'release' })
  }

  /** Carries a person's word to where something is held and takes in what became of it; HOLD_CHANGED where it came too late. */
  async #resolve(order: {
    readonly jobId: string
    readonly policyId: string
    readonly fingerprint: string
    readonly decision: 'release' | 'keep'
  }): Promise<void> {
    const { jobId, policyId, fingerprint, decision } = order
    const { place } = await this.#batches.run(() =>
      beginResolving(this.#policy(policyId), jobId, fingerprint),
    )
    const question = { place: wirePlace(place), fingerprint, decision }
    const asked = Promise.try(() => this.#context.fleet.resolveHold(serverOf(place), question))
    const answer = await asked.catch((thrown: unknown) => toAppError(thrown))
    const word = { jobId, decision, answer }
    // The policy may have been read anew meanwhile.
    const isDone = await this.#batches.run((work) =>
      endResolving(work, this.#policy(policyId), word),
    )
    if (answer instanceof AppError) throw answer
    if (!isDone) throw new AppError('HOLD_CHANGED', 'cannot answer: something else is held by now')
  }

  #policy(policyId: string): PolicyRuntime {
    const policy = this.#book.policies.get(policyId)
    if (policy !== undefined) return policy
    throw new AppError('NOT_FOUND', `cannot find policy "${policyId}"`)
  }

  async cancel(jobId: string, actor: Actor): Promise<void> {
    const row = await findJob(this.#context.database.read, jobId)
    const { policyId, hold } = row
    if (hold?.code === 'ROOT_CHANGED')
      throw new AppError(
        'ROOT_CHANGED',
        `cannot cancel job "${jobId}": it ends once the known folder is back, or the new one is approved`,
      )
    if (hold !== null && row.state === 'held') {
      const { fingerprint } = hold
      return await this.#resolve({ jobId, policyId, fingerprint, decision: 'keep' })
    }
    await this.#batches.run((work) => {
      const policy = this.#book.policies.get(row.policyId)
      const job = policy?.jobs.get(jobId)
      if (policy === undefined || job === undefined) return
      waive(work, policy, job)
      const message = `cancelled by ${actor.name}`
      cancelTargets(work, { policy, job }, { targets: [...job.targets.values()], message })
    })
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const wakeAtMs = this.#book.nextWakeMs
    if (this.#stopped || wakeAtMs === null) return
    const delayMs = Math.max(0, wakeAtMs - this.#context.clock.nowMs())
    const wake = () => this.#batches.enqueue((work) => this.#book.wake(work))
    this.#timer = setTimeout(wake, Math.min(delayMs, TIMER_MAX_MS))
  }
}

/** Else the planner would start at once again what a person has just stopped. */
function waive(work: Work, policy: PolicyRuntime, job: JobRuntime): void {
  for (const { bindingId, sourceId } of job.targets.values()) {
    const binding = policy.bindings.get(bindingId)
    if (binding?.runningJobId !== job.jobId) continue
    binding.waivedSeq = policy.sources.get(sourceId)?.headSeq ?? null
    saveBinding(work, binding)
  }
}
