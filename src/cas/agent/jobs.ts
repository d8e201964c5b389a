import type { Failure } from '../../core/base/result.ts'
import type { AgentMessageOf, MasterMessageOf } from '../../core/wire/control.ts'
import { withDescendants } from '../sync-client/descendants.ts'
import type { SyncClient } from '../sync-client/sync-client.ts'

type Job = MasterMessageOf<'job'>
type JobReport = AgentMessageOf<'jobReport'>

export interface JobsOptions {
  readonly sending: SyncClient
  readonly serverId: string
  /** Null where jobs may be run, else why not. */
  readonly refusal: () => Failure | null
  readonly report: (report: JobReport) => void
  readonly onError: (thrown: unknown, jobId: string) => void
}

/** More at once is no plan of a master; the rest is refused and comes again. */
const RUNNING_MAX = 1000

/** Runs the jobs that the master gives, as far as this agent may. */
export class Jobs {
  readonly #options: JobsOptions
  readonly #running = new Map<string, Job>()

  constructor(options: JobsOptions) {
    this.#options = options
  }

  get running(): readonly Job[] {
    return [...this.#running.values()]
  }

  /**
   * Starts a job. One that runs already is told again after a reconnect, or because its hops have other options now, and
   * is not started twice.
   */
  start(job: Job): void {
    if (this.#running.has(job.jobId)) return this.#options.sending.update(job)
    const refusal = this.#options.refusal() ?? this.#tooMany()
    if (refusal !== null) return this.#refuse(job, refusal)
    this.#running.set(job.jobId, job)
    this.#options.sending
      .run(job)
      .catch((thrown: unknown) => this.#options.onError(thrown, job.jobId))
      .finally(() => this.#running.delete(job.jobId))
  }

  /** Ends a job, or only what of it goes to some bindings. */
  cancel(jobId: string, reason: Failure, bindingIds?: readonly string[]): void {
    this.#options.sending.cancel(jobId, reason, bindingIds)
  }

  /** Ends every job, for instance because the lease has. */
  cancelAll(reason: Failure): void {
    for (const jobId of this.#running.keys()) this.cancel(jobId, reason)
  }

  #tooMany(): Failure | null {
    if (this.#running.size < RUNNING_MAX) return null
    return { code: 'BINDING_BUSY', message: `cannot run more than ${RUNNING_MAX} jobs at once` }
  }

  #refuse(job: Job, error: Failure): void {
    const { serverId, report } = this.#options
    for (const child of withDescendants(job.children)) {
      report({
        type: 'jobReport',
        jobId: job.jobId,
        bindingId: child.bindingId,
        serverId: child.serverId,
        state: 'failed',
        via: serverId,
        attempts: 0,
        bytesOnWire: 0,
        entriesApplied: 0,
        entriesFailed: 0,
        error,
      })
    }
  }
}
