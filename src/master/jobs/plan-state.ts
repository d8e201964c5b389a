import type { LostWay, PlanGoal, PlanState } from '../../core/plan/state.ts'
import { nextTimeMs } from '../schedules/next-time.ts'
import { waitsUntilMs } from './nearly-there.ts'
import type { BindingRuntime, JobRuntime, PolicyRuntime } from './runtime.ts'
import type { Topology } from './topology.ts'

/** Shows the runtime of a policy to the planner. */
export function planState(
  policy: PolicyRuntime,
  { places }: Pick<Topology, 'places'>,
  now: { readonly nowMs: number; readonly licensed: boolean },
): PlanState {
  const waiting = waitingOf(policy, now.nowMs)
  return {
    ...now,
    policy: policy.plan,
    sources: [...policy.sources.values()].map((source) => ({
      sourceId: source.sourceId,
      connected: source.connected,
      epoch: source.epoch,
      headSeq: source.headSeq,
      scanned: source.completeAtMs !== null,
      place: places.get(source.serverId) ?? null,
      dialsOut: places.get(source.serverId)?.dialsOut ?? false,
    })),
    targets: [...policy.bindings.values()].map((binding) => {
      const place = places.get(binding.serverId) ?? null
      const canServe = policy.canServe && place?.publicKey != null
      const { weight = 0, dialsOut = false } = place ?? {}
      const lostWays = lostWaysOf(binding, places)
      const at = { place, canServe, weight, dialsOut, lostWays }
      const waitUntilMs = waiting.get(binding.bindingId) ?? null
      return { ...binding, ...at, waitUntilMs, recoverAtMs: recoverAtMs(policy, binding) }
    }),
    goals: [...policy.jobs.values()].flatMap(goalsOf),
  }
}

function lostWaysOf({ lostWays }: BindingRuntime, places: Topology['places']): LostWay[] {
  return [...lostWays].flatMap(([serverId, way]) => {
    const place = places.get(serverId)
    return place === undefined ? [] : [{ ...place, ...way }]
  })
}

/** Until when bindings wait for others that are about to hold what they lack. */
function waitingOf({ jobs }: PolicyRuntime, nowMs: number): ReadonlyMap<string, number> {
  const waiting = new Map<string, number>()
  for (const job of jobs.values()) {
    for (const target of job.targets.values()) {
      const untilMs = waitsUntilMs(job, target, nowMs)
      if (untilMs !== null) waiting.set(target.bindingId, untilMs)
    }
  }
  return waiting
}

/** From its return on, and again from its last try on where that left something undone. */
function recoverAtMs({ recoverySchedule }: PolicyRuntime, binding: BindingRuntime): number | null {
  const { wasAway, returnedAtMs, lastTry } = binding
  if (recoverySchedule === null || !wasAway || returnedAtMs === null) return null
  return nextTimeMs(recoverySchedule, Math.max(returnedAtMs, lastTry?.atMs ?? 0))
}

/** A waiting job is a goal per source: the bindings of it that no job has served yet. */
function goalsOf(job: JobRuntime): PlanGoal[] {
  return [...job.to].flatMap(([sourceId, to]) => {
    const waiting = [...job.targets.values()].filter(
      (target) => target.state === 'queued' && target.sourceId === sourceId,
    )
    if (waiting.length === 0) return []
    const idOf = ({ bindingId }: { readonly bindingId: string }) => bindingId
    const cutOff = waiting.filter(({ cutOffs }) => cutOffs > 0).map(idOf)
    return [{ jobId: job.jobId, to, bindingIds: waiting.map(idOf), cutOff }]
  })
}
