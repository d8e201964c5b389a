import { Holders } from '../../core/plan/holders.ts'
import type { PlanState } from '../../core/plan/state.ts'
import { type JobTargetRuntime, type PolicyRuntime, senderOf } from './runtime.ts'
import { type JobPlace, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

/** A sender that is away for so long is waited for no longer where another server can go on. */
export const AWAY_MS = 2000

/**
 * Takes targets from senders that are away, as far as another server holds more than they do: what they wait for goes on
 * from there. A sender that has only lost its master may still deliver; of two runs at one target the later one counts.
 * Tells whether anything was taken.
 */
export function takeFromLost(
  work: Work,
  policy: PolicyRuntime,
  { sources, targets }: Pick<PlanState, 'sources' | 'targets'>,
): boolean {
  const lost = [...policy.jobs.values()].flatMap((job) =>
    [...job.targets.values()]
      .filter((target) => isLost(policy, target, work.nowMs))
      .map((target) => ({ policy, job, target })),
  )
  if (lost.length === 0) return false
  const holders = new Map(sources.map((one) => [one.sourceId, new Holders(one, targets)]))
  const known = new Map(targets.map((target) => [target.bindingId, target]))
  const taken = lost.filter(({ target: { bindingId, sourceId, way } }) => {
    const target = known.get(bindingId)
    if (target === undefined || !target.connected) return false
    return way.holderId !== null || (holders.get(sourceId)?.ahead(target) ?? []).length > 0
  })
  for (const place of taken) requeue(work, place)
  return taken.length > 0
}

function isLost(policy: PolicyRuntime, target: JobTargetRuntime, nowMs: number): boolean {
  const awaySinceMs = senderOf(policy, target)?.awaySinceMs ?? null
  return target.state === 'running' && awaySinceMs !== null && awaySinceMs + AWAY_MS <= nowMs
}

/** The same job goes on, in a run of its own. */
export function requeue(
  work: Work,
  { policy, job, target }: JobPlace & { readonly target: JobTargetRuntime },
): void {
  target.state = 'queued'
  target.runId = null
  target.endedAs = null
  target.reachedAtMs = null
  target.cutOffs++
  const binding = policy.bindings.get(target.bindingId)
  if (binding?.runningJobId === job.jobId) binding.runningJobId = null
  saveTarget(work, { job, target }, { runId: null })
}
