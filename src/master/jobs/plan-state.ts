import type { PlanGoal, PlanState } from '../../core/plan/state.ts'
import type { JobRuntime, PolicyRuntime } from './runtime.ts'

/** Shows the runtime of a policy to the planner. */
export function planState(
  policy: PolicyRuntime,
  now: { readonly nowMs: number; readonly licensed: boolean },
): PlanState {
  return {
    ...now,
    policy: policy.plan,
    sources: [...policy.sources.values()].map((source) => ({
      sourceId: source.sourceId,
      connected: source.connected,
      epoch: source.epoch,
      headSeq: source.headSeq,
      scanned: source.completeAtMs !== null,
    })),
    targets: [...policy.bindings.values()],
    goals: [...policy.jobs.values()].flatMap(goalsOf),
  }
}

/** A waiting job is a goal per source: the bindings of it that no job has served yet. */
function goalsOf(job: JobRuntime): PlanGoal[] {
  return [...job.to].flatMap(([sourceId, to]) => {
    const waiting = [...job.targets.values()].filter(
      (target) => target.state === 'queued' && target.sourceId === sourceId,
    )
    if (waiting.length === 0) return []
    return [{ jobId: job.jobId, to, bindingIds: waiting.map((target) => target.bindingId) }]
  })
}
