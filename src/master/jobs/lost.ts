import { Holders } from '../../core/plan/holders.ts'
import type { PlanState } from '../../core/plan/state.ts'
import { type JobTargetRuntime, type PolicyRuntime, senderOf } from './runtime.ts'
import { type JobPlace, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

type TargetPlace = JobPlace & { readonly target: JobTargetRuntime }

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
      .filter((target) => isLost({ policy, job, target }, work.nowMs))
      .map((target) => ({ policy, job, target })),
  )
  if (lost.length === 0) return false
  const holders = new Map(sources.map((one) => [one.sourceId, new Holders(one, targets)]))
  const known = new Map(targets.map((target) => [target.bindingId, target]))
  const taken = lost.filter(({ target: { bindingId, sourceId, way } }) => {
    const target = known.get(bindingId)
    if (target === undefined || !target.connected) return false
    const { awaySinceMs = null } = senderOf(policy, { sourceId, way }) ?? {}
    // Only a relay is gone: whoever sends goes on.
    if (awaySinceMs === null) return true
    return way.holderId !== null || (holders.get(sourceId)?.ahead(target) ?? []).length > 0
  })
  for (const place of taken) requeue(work, place)
  return taken.length > 0
}

function isLost(place: TargetPlace, nowMs: number): boolean {
  const sinceMs = lostSinceMs(place)
  return place.target.state === 'running' && sinceMs !== null && sinceMs + AWAY_MS <= nowMs
}

/**
 * Since when somebody is away by whom alone a target is still reached: its sender, or a relay that is done itself, of
 * which nobody above it would tell. Null where all of them are there.
 */
export function lostSinceMs({ policy, job, target }: TargetPlace): number | null {
  const passedBy = target.way.relays.filter((relay) => {
    const own = job.targets.get(relay)
    return own?.state !== 'running' || own.runId !== target.runId
  })
  const all = [senderOf(policy, target), ...passedBy.map((relay) => policy.bindings.get(relay))]
  const times = all.flatMap((one) => one?.awaySinceMs ?? [])
  return times.length === 0 ? null : Math.min(...times)
}

/** The same job goes on, in a run of its own. */
export function requeue(work: Work, { policy, job, target }: TargetPlace): void {
  target.state = 'queued'
  target.runId = null
  target.endedAs = null
  target.reachedAtMs = null
  target.cutOffs++
  const binding = policy.bindings.get(target.bindingId)
  if (binding?.runningJobId === job.jobId) binding.runningJobId = null
  saveTarget(work, { job, target }, { runId: null })
}
