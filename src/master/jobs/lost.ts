import { Holders } from '../../core/plan/holders.ts'
import type { PlanState, PlanTarget } from '../../core/plan/state.ts'
import { type JobTargetRuntime, type PolicyRuntime, senderOf } from './runtime.ts'
import { type JobPlace, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

type TargetPlace = JobPlace & { readonly target: JobTargetRuntime }

/** A sender that is away for so long is waited for no longer where another server can go on. */
export const AWAY_MS = 2000

/**
 * Takes targets from senders that are away, or have no way to them, as far as another server holds more than they do or
 * will: what they wait for goes on from there. A sender that has only lost its master may still deliver; of two runs at one
 * target the later one counts. Tells whether anything was taken.
 */
export function takeFromLost(
  work: Work,
  policy: PolicyRuntime,
  { sources, targets }: Pick<PlanState, 'sources' | 'targets'>,
): boolean {
  const running = [...policy.jobs.values()].flatMap((job) =>
    [...job.targets.values()]
      .filter(({ state }) => state === 'running')
      .map((target) => ({ policy, job, target })),
  )
  const lost = running.filter((place) => isLost(place, work.nowMs))
  const apart = running.filter((place) => hasFailed(place) && !lost.includes(place))
  if (lost.length + apart.length === 0) return false
  const all = new Map(sources.map((one) => [one.sourceId, new Holders(one, targets, work.nowMs)]))
  const known = new Map(targets.map((target) => [target.bindingId, target]))
  const asked = (place: TargetPlace, isTaken: typeof goesOnElsewhere): boolean => {
    const { bindingId, sourceId } = place.target
    const [target, holders] = [known.get(bindingId), all.get(sourceId)]
    return target?.connected === true && holders !== undefined && isTaken(place, target, holders)
  }
  const left = lost.filter((place) => asked(place, goesOnElsewhere))
  const cutOff = apart.filter((place) => asked(place, comesFromElsewhere))
  for (const place of cutOff) cancelRun(work, place)
  const taken = new Set([...left, ...cutOff, ...belowThem(running, cutOff)])
  for (const place of taken) requeue(work, place)
  return taken.size > 0
}

/** Those that were to be reached through these, by the same runs. */
function belowThem(running: readonly TargetPlace[], above: readonly TargetPlace[]): TargetPlace[] {
  const keyOf = (runId: string | null, bindingId: string) => `${runId} ${bindingId}`
  const keys = new Set(above.map(({ target }) => keyOf(target.runId, target.bindingId)))
  return running.filter(({ target: { runId, way } }) => {
    const [first] = way.relays
    return first !== undefined && keys.has(keyOf(runId, first))
  })
}

function goesOnElsewhere(
  { policy, target: { sourceId, way } }: TargetPlace,
  target: PlanTarget,
  holders: Holders,
): boolean {
  const { awaySinceMs = null } = senderOf(policy, { sourceId, way }) ?? {}
  // Only a relay is gone: whoever sends goes on.
  if (awaySinceMs === null) return true
  return way.holderId !== null || holders.ahead(target).length > 0
}

/** Whether an attempt of its sender to reach a target has failed. */
function hasFailed({ policy, target }: TargetPlace): boolean {
  const senderId = senderOf(policy, target)?.serverId ?? ''
  if (target.way.relays.length > 0) return false
  return policy.bindings.get(target.bindingId)?.lostWays.has(senderId) === true
}

/** Whether there is no way from its sender, and somebody else has all of it, or will have. */
function comesFromElsewhere(
  { policy, job, target: { sourceId, way } }: TargetPlace,
  target: PlanTarget,
  holders: Holders,
): boolean {
  const senderId = senderOf(policy, { sourceId, way })?.serverId
  const lost = target.lostWays.find(({ serverId }) => serverId === senderId)
  if (lost === undefined || holders.hasWay(lost, target)) return false
  const seq = job.to.get(sourceId)?.seq ?? Infinity
  return holders.ahead(target).some((one) => one.seq >= seq) || holders.hasOthers(target)
}

function cancelRun(work: Work, { policy, target }: TargetPlace): void {
  const sender = senderOf(policy, target)
  const { bindingId, runId } = target
  if (sender === null || runId === null) return
  const reason = { code: 'CANCELLED', message: 'another server goes on with it' }
  const bindingIds = [bindingId]
  work.instruct(sender.serverId, { type: 'cancelJob', jobId: runId, reason, bindingIds })
}

function isLost(place: TargetPlace, nowMs: number): boolean {
  const sinceMs = lostSinceMs(place)
  return sinceMs !== null && sinceMs + AWAY_MS <= nowMs
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
