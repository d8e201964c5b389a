import type { ErrorCode } from '../../core/base/errors.ts'
import type { Failure } from '../../core/base/result.ts'
import type { SenderOutcome, SenderJob } from '../../core/transfer/sender-ports.ts'
import type { SenderProgress } from '../../core/transfer/sender.ts'
import type { JobNode, MasterMessageOf } from '../../core/wire/control.ts'
import { withDescendants } from './descendants.ts'
import { droppedReports } from './dropped-reports.ts'
import type { JobReport, SyncClientOptions } from './options.ts'

export type Job = MasterMessageOf<'job'>

const REPORT_INTERVAL_MS = 500
const MESSAGE_LENGTH_MAX = 2000

/** Why this side itself gives a stream up: whoever was to pass it on is not to blame. */
const OWN_REASONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CANCELLED',
  'SOURCE_CHANGED',
  'SOURCE_UNAVAILABLE',
  'JOURNAL_BEHIND',
])

/** One target of a job on its way: what was counted over all attempts, and what is told about it. */
export class TargetRun {
  readonly job: Job
  #node: JobNode
  #onHop: ((hop: JobNode['hop']) => void) | null = null
  readonly #options: SyncClientOptions
  readonly #cancelling = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  #cancelled: Failure | null = null
  #reportedAtMs = -Infinity
  #attempts = 0
  /** Failed attempts in a row that brought the target on by nothing. */
  #failures = 0
  #hasMoved = false
  /** Until the first attempt fails: what is below is served otherwise then, and not by this target. */
  #hasSubtree = true
  #bytesOnWire = 0
  #appliedCount = 0
  #failedCount = 0

  constructor(options: SyncClientOptions, job: Job, node: JobNode) {
    this.#options = options
    this.job = job
    this.#node = node
  }

  get node(): JobNode {
    return this.#node
  }

  /** Calls with the hop's options now and whenever they change; null ends that. */
  followHop(onHop: ((hop: JobNode['hop']) => void) | null): void {
    this.#onHop = onHop
    onHop?.(this.#node.hop)
  }

  /**
   * The same target by a hop with other options, by binding, and those below it: a rate holds at once, the rest from the
   * next attempt on.
   */
  changeHops(hops: ReadonlyMap<string, JobNode['hop']>): void {
    this.#node = withHops(this.#node, hops)
    this.#onHop?.(this.#node.hop)
  }

  get signal(): AbortSignal {
    return this.#cancelling.signal
  }

  /** Why it was cancelled, or null. */
  get cancelled(): Failure | null {
    return this.#cancelled
  }

  /** Resolves at the end, however it went. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /**
   * Counts an attempt that failed, and tells why; gives how many did so in a row. What is below the target was cut off with
   * it.
   */
  countFailure(reason: Failure): number {
    const nothing = { bytesOnWire: 0, sender: NO_PROGRESS }
    this.#options.report(this.#reportOf('running', nothing, reason))
    this.#dropSubtree(reason)
    this.#failures = this.#hasMoved ? 1 : this.#failures + 1
    this.#hasMoved = false
    return this.#failures
  }

  get senderJob(): SenderJob {
    const { jobId, sourceId, epoch, to } = this.job
    const { bindingId, ticket, hop } = this.node
    const children = this.#hasSubtree ? this.node.children : []
    const isPatched = [this.node, ...withDescendants(children)].every(takesPatches)
    const method = isPatched ? 'patch' : 'copy'
    const levels = { compression: hop.compression, hopCompression: hop.compression }
    return { jobId, sourceId, epoch, to, bindingId, ticket, method, ...levels, children }
  }

  cancel(reason: Failure): void {
    this.#cancelled ??= reason
    this.#cancelling.abort()
  }

  begin(): void {
    this.#attempts++
    this.progress({ bytesOnWire: 0, sender: NO_PROGRESS })
  }

  /** Tells how the attempt that runs fares, where the last word is half a second old. */
  progress(attempt: AttemptProgress): void {
    const nowMs = this.#options.clock.nowMs()
    if (Math.abs(nowMs - this.#reportedAtMs) < REPORT_INTERVAL_MS) return
    this.#reportedAtMs = nowMs
    this.#options.report(this.#reportOf('running', attempt, null))
  }

  /** Adds up what an attempt moved. */
  finish(attempt: AttemptProgress): void {
    this.#bytesOnWire += attempt.bytesOnWire
    this.#appliedCount += attempt.sender.appliedCount
    this.#failedCount += attempt.sender.failedCount
    this.#hasMoved ||= attempt.sender.setsDone > 0
  }

  /** Tells the end. */
  end(outcome: SenderOutcome | { readonly ok: false; readonly error: Failure }): void {
    const nothing = { bytesOnWire: 0, sender: NO_PROGRESS }
    const state = outcome.ok ? 'done' : 'failed'
    this.#options.report(this.#reportOf(state, nothing, outcome.ok ? null : outcome.error))
    this.#ended.resolve()
  }

  #dropSubtree({ code, message }: Failure): void {
    if (!this.#hasSubtree) return
    this.#hasSubtree = false
    const { node, job } = this
    const subject = { jobId: job.jobId, via: this.#options.serverId }
    const why = `server "${node.serverId}" passes nothing on: ${message}`
    const cutOff = {
      code: OWN_REASONS.has(code) ? 'RELAY_LOST' : 'RELAY_DROPPED',
      message: why,
    } as const
    for (const report of droppedReports(subject, node.children, cutOff))
      this.#options.report(report)
  }

  #reportOf(state: JobReport['state'], attempt: AttemptProgress, error: Failure | null): JobReport {
    return {
      type: 'jobReport',
      jobId: this.job.jobId,
      bindingId: this.node.bindingId,
      serverId: this.node.serverId,
      state,
      via: this.#options.serverId,
      attempts: this.#attempts,
      bytesOnWire: this.#bytesOnWire + attempt.bytesOnWire,
      entriesApplied: this.#appliedCount + attempt.sender.appliedCount,
      entriesFailed: this.#failedCount + attempt.sender.failedCount,
      error: error && { code: error.code, message: error.message.slice(0, MESSAGE_LENGTH_MAX) },
    }
  }
}

function withHops(node: JobNode, hops: ReadonlyMap<string, JobNode['hop']>): JobNode {
  const children = node.children.map((child) => withHops(child, hops))
  return { ...node, hop: hops.get(node.bindingId) ?? node.hop, children }
}

export interface AttemptProgress {
  readonly bytesOnWire: number
  readonly sender: SenderProgress
}

const NO_PROGRESS: SenderProgress = { setsDone: 0, appliedCount: 0, failedCount: 0 }

/** What goes to one goes to all below it. */
function takesPatches({ hop }: JobNode): boolean {
  return hop.method === 'patch'
}
