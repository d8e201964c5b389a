import type { AgentMessageOf } from '../../core/wire/control.ts'
import { requeue } from './lost.ts'
import { type JobRuntime, type JobTargetRuntime, hasReached, isOpen, senderOf } from './runtime.ts'
import { type JobPlace, endTarget, saveFigures, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

type JobReport = AgentMessageOf<'jobReport'>
type TargetPlace = JobPlace & { readonly target: JobTargetRuntime }

/** Tells whether a server is one of those that pass the target's run on. */
export function isRelay(job: JobRuntime, target: JobTargetRuntime, serverId: string): boolean {
  return target.way.relays.some((relay) => job.targets.get(relay)?.serverId === serverId)
}

/** Codes of targets that a stream does not reach any more: left out of it, or the stream itself has ended. */
const CUT_OFF: ReadonlySet<string> = new Set(['RELAY_DROPPED', 'RELAY_LOST'])

/** Tells whether a stream left a target out that was to reach it. */
export function isDropped({ state, error }: JobReport): boolean {
  return state === 'failed' && CUT_OFF.has(error?.code ?? '')
}

/**
 * Takes in that a stream does not reach a target any more: the same job goes on, in a run of its own, and directly.
 * Reports of earlier runs, which are told again after a reconnect, mean nothing.
 */
export function applyDrop(
  work: Work,
  place: TargetPlace,
  from: { readonly serverId: string; readonly report: JobReport },
): void {
  const { policy, job, target } = place
  const { serverId, report } = from
  const isSender = senderOf(policy, target)?.serverId === serverId
  if (!isSender && !isRelay(job, target, serverId)) return
  if (target.state !== 'running' || target.runId !== report.jobId) return
  if (report.error?.code === 'RELAY_DROPPED') rest(work, place, isSender ? null : serverId)
  if (isReached(place)) return endTarget(work, place, { state: 'done', error: null })
  const binding = policy.bindings.get(target.bindingId)
  // One that is away is to come back as its policy says.
  if (binding?.connected !== true)
    return endTarget(work, place, { state: 'failed', error: report.error })
  requeue(work, place)
  const error = report.error === null ? null : { ...report.error, atMs: work.nowMs }
  saveTarget(work, { job, target }, { error })
  work.dirty.add(policy.policyId)
}

/**
 * Whoever is next on the way below the server that cut the target off is the one in trouble; those below it are not.
 * `relayId` is null where the sender did.
 */
function rest(work: Work, { policy, job, target }: TargetPlace, relayId: string | null): void {
  const way = [...target.way.relays, target.bindingId]
  const at = way.findIndex((bindingId) => job.targets.get(bindingId)?.serverId === relayId)
  const binding = policy.bindings.get(way[at + 1] ?? '')
  if (binding !== undefined) binding.droppedAtMs = work.nowMs
}

/** Takes in what a relay says of a target below it. Only the target's own word makes it count as brought on. */
export function applyRelayedReport(work: Work, place: TargetPlace, report: JobReport): void {
  const { target } = place
  if (target.runId !== report.jobId || report.state === 'failed') return
  saveFigures(work, place, report)
  if (!isOpen(target.state) || report.state === 'running') return
  target.endedAs = report.entriesFailed > 0 ? 'partial' : 'done'
  if (isReached(place)) endTarget(work, place, { state: target.endedAs, error: null })
}

function isReached({ policy, job, target }: TargetPlace): boolean {
  const to = job.to.get(target.sourceId)
  const watermark = policy.bindings.get(target.bindingId)?.watermark ?? null
  return to !== undefined && hasReached(watermark, to)
}
