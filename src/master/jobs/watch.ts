import { AWAY_MS, lostSinceMs } from './lost.ts'
import { type JobRuntime, type PolicyRuntime, hasReached, senderOf } from './runtime.ts'
import { endTarget } from './targets.ts'
import type { Work } from './work.ts'

/** How long the sender's own report is waited for once the target is known to hold everything. */
const REPORT_WAIT_MS = 3000
/** A running target of which nothing is heard for this long is sent again: it may have been lost on the way. */
const SILENCE_MS = 120_000

/** When to look at a policy again, given when its plan wants to be made again; null for never. */
export function nextLookMs(
  policy: PolicyRuntime,
  planAtMs: number | null,
  nowMs: number,
): number | null {
  let nextMs = planAtMs ?? Infinity
  for (const job of policy.jobs.values()) {
    for (const target of job.targets.values()) {
      if (target.state !== 'running') continue
      const { heardAtMs, reachedAtMs } = target
      const lookAtMs = reachedAtMs === null ? heardAtMs + SILENCE_MS : reachedAtMs + REPORT_WAIT_MS
      nextMs = Math.min(nextMs, lookAtMs)
      const lostAtMs = (lostSinceMs({ policy, job, target }) ?? -Infinity) + AWAY_MS
      if (lostAtMs > nowMs) nextMs = Math.min(nextMs, lostAtMs)
    }
  }
  return nextMs === Infinity ? null : nextMs
}

/** Ends what was reached though nobody reported it; gives the jobs to send again, with the agents that carry them. */
export function watchJobs(
  work: Work,
  policy: PolicyRuntime,
): readonly { readonly job: JobRuntime; readonly serverId: string }[] {
  const silent = new Map<string, { job: JobRuntime; serverId: string }>()
  for (const job of policy.jobs.values()) {
    for (const target of job.targets.values()) {
      if (target.state !== 'running') continue
      const to = job.to.get(target.sourceId)
      const watermark = policy.bindings.get(target.bindingId)?.watermark ?? null
      if (target.reachedAtMs !== null && to !== undefined && hasReached(watermark, to)) {
        if (target.reachedAtMs + REPORT_WAIT_MS <= work.nowMs)
          endTarget(work, { policy, job, target }, { state: 'done', error: null })
        continue
      }
      const sender = senderOf(policy, target)
      if (target.heardAtMs + SILENCE_MS > work.nowMs || sender === null) continue
      target.heardAtMs = work.nowMs
      if (sender.connected) {
        const { serverId } = sender
        silent.set(`${job.jobId} ${serverId}`, { job, serverId })
      }
    }
  }
  return [...silent.values()]
}
