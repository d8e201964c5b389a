import type { Failure } from '../../core/base/result.ts'
import { createDeltaDesk } from '../../platform/delta-desk.ts'
import { withDescendants } from './descendants.ts'
import type { SyncClientOptions } from './options.ts'
import type { PeerLink } from './peer-link.ts'
import { PeerLinks } from './peer-links.ts'
import { isWorthRetrying, retryDelayMs } from './retry.ts'
import { type Job, TargetRun } from './target-run.ts'

/** Sends what a job's targets lack. */
export interface SyncClient {
  /**
   * Sends to every target of the job, several servers at once, and reports on each; resolves when all are over, however
   * it went. Never rejects.
   */
  run(job: Job): Promise<void>
  /** Takes the options of a running job's hops as they are from now on; anything else in it is left as it was. */
  update(job: Job): void
  /** Gives up what is left of a job, or of what it sends to some bindings; those are reported as failed with the reason. */
  cancel(jobId: string, reason?: Failure, bindingIds?: readonly string[]): void
  /** Sends nothing to such servers any more, and closes the connections to them. */
  shutOut(isGone: (serverId: string) => boolean): void
  /** Gives up everything and closes all connections. */
  stop(): Promise<void>
}

/** Makes the part of an agent that sends. */
export function createSyncClient(options: SyncClientOptions): SyncClient {
  const links = new PeerLinks({ ...options, deltas: createDeltaDesk() })
  const runs = new Set<TargetRun>()

  const runTarget = async (run: TargetRun): Promise<void> => {
    runs.add(run)
    run.end(await attempts(run))
    runs.delete(run)
  }

  const attempts = async (run: TargetRun): ReturnType<PeerLink['attempt']> => {
    const { retry, sourceId, jobId } = run.job
    const { serverId } = run.node
    for (;;) {
      const outcome = await links.to(run.node).attempt(run)
      if (outcome.ok) return outcome
      const { code, message } = outcome.error
      options.log.warn('target not reached', { jobId, serverId, code, message })
      if (code === 'JOURNAL_BEHIND') options.journalBehind(sourceId)
      const failures = run.countFailure(outcome.error)
      if (!isWorthRetrying(code) || failures >= retry.attempts) return outcome
      const delayMs = retryDelayMs(retry.backoffMs, failures, options.random)
      await options.clock.sleep(delayMs, run.signal)
      if (run.cancelled !== null) return { ok: false, error: run.cancelled }
    }
  }

  const cancelAll = (matches: (run: TargetRun) => boolean, reason: Failure): void => {
    for (const run of runs) if (matches(run)) run.cancel(reason)
  }

  return {
    async run(job) {
      const { children } = job
      await Promise.all(children.map((node) => runTarget(new TargetRun(options, job, node))))
    },
    update(job) {
      const hops = new Map(withDescendants(job.children).map((node) => [node.bindingId, node.hop]))
      for (const run of runs) if (run.job.jobId === job.jobId) run.changeHops(hops)
    },
    cancel(jobId, reason = { code: 'CANCELLED', message: 'the job was cancelled' }, bindingIds) {
      cancelAll(
        ({ job, node }) => job.jobId === jobId && (bindingIds?.includes(node.bindingId) ?? true),
        reason,
      )
    },
    shutOut(isGone) {
      const reason: Failure = { code: 'PEER_UNTRUSTED', message: 'it is no peer any more' }
      cancelAll(({ node }) => isGone(node.serverId), reason)
      links.close(isGone)
    },
    async stop() {
      const ended = [...runs].map((run) => run.ended)
      cancelAll(() => true, { code: 'CANCELLED', message: 'the agent is stopping' })
      await Promise.all(ended)
      links.close()
    },
  }
}
