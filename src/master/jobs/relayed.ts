import type { AgentMessageOf } from '../../core/wire/control.ts'
import { requeue } from './lost.ts'
import { awaited } from './nearly-there.ts'
import { oneMoreBroken } from './rest.ts'
import { lacksMuch } from './route.ts'
import {
  type BindingRuntime,
  type JobRuntime,
  type JobTargetRuntime,
  hasReached,
  isOpen,
  senderOf,
} from './runtime.ts'
import { type JobPlace, endTarget, saveFigures, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

type JobReport = AgentMessageOf<'jobReport'>
type TargetPlace = JobPlace & { readonly target: JobTargetRuntime }

/** Tells whether a server is one of those that pass the target's run on. */
export function isRelay(job: JobRuntime, target: JobTargetRuntime, serverId: string): boolean {
  return target.way.relays.some((relay) => job.targets.get(relay)?.serverId === serverId)
}

/** Codes of targets that a stream does not reach any more: left out of it, or the stream itself has ended. */
const CUT_OFF: ReadonlySet<string> = new Set(['RELAY_DROPPED', 'RELAY_LOST', 'RELAY_UNFIT'])

/** What stands elsewhere than the streams of a job begin, again and again, is served alone. */
const UNFIT_MAX = 2

/** Tells whether a stream left a target out that was to reach it. */
export function isDropped({ state, error }: JobReport): boolean {
  return state === 'failed' && CUT_OFF.has(error?.code ?? '')
}

/**
 * Takes in that a stream does not reach a target any more: the same job goes on, in a run of its own. Reports of earlier
 * runs, which are told again after a reconnect, mean nothing.
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
  const isLost = report.error?.code === 'RELAY_LOST'
  const relay = isSender ? null : relayOf(place, serverId)
  // Whoever is above it says the same, and knows who is in trouble.
  if (isLost && relay?.target.state === 'running') return
  const next = isLost ? null : nextBelow(place, isSender ? null : serverId)
  // Whoever only stands elsewhere than the stream begins holds nobody up.
  const isUnfit = report.error?.code === 'RELAY_UNFIT' && target.cutOffs < UNFIT_MAX
  const culprit = isUnfit ? null : next
  // Whoever could not be reached at all held nothing up.
  if (culprit !== null && !culprit.lostWays.has(serverId))
    culprit.broken = oneMoreBroken(culprit.broken, work.nowMs)
  if (isReached(place)) return endTarget(work, place, { state: 'done', error: null })
  const all = next === null ? [place] : [place, ...alsoBelow(place, next)]
  goOn(work, all, { culprit, above: policy.canServe ? relay : null, report })
  work.dirty.add(policy.policyId)
}

/**
 * Has these served otherwise: from whoever stands above them where that one holds all of it or soon will, else in a stream
 * with all that the last one was to reach.
 */
function goOn(
  work: Work,
  places: readonly TargetPlace[],
  cut: {
    readonly culprit: BindingRuntime | null
    /** What the server above them gets by the same run; null where it could not serve them. */
    readonly above: TargetPlace | null
    readonly report: JobReport
  },
): void {
  const { culprit, above, report } = cut
  const innocent = places.filter(({ target }) => target.bindingId !== culprit?.bindingId)
  const awaits = above === null ? null : awaited(above.target, work.nowMs)
  const isHeldAbove = awaits !== null || (above !== null && isReached(above))
  const [first] = innocent
  if (culprit !== null && first !== undefined && !isHeldAbove) gather(work, first, culprit)
  for (const one of places) if (one.target.state === 'running') leave(work, one, report.error)
  for (const { target } of innocent) target.awaits = awaits
}

/** All others whom the same run was to reach through the culprit: the same is about to be said of each. */
function alsoBelow({ policy, job, target }: TargetPlace, culprit: BindingRuntime): TargetPlace[] {
  return [...job.targets.values()]
    .filter(({ state, runId }) => state === 'running' && runId === target.runId)
    .filter((one) => one !== target && one.way.relays.includes(culprit.bindingId))
    .map((one) => ({ policy, job, target: one }))
    .filter((one) => !isReached(one))
}

/** One that is away is to come back as its policy says. */
function leave(work: Work, place: TargetPlace, reason: JobReport['error']): void {
  const { policy, job, target } = place
  if (policy.bindings.get(target.bindingId)?.connected !== true)
    return endTarget(work, place, { state: 'failed', error: reason })
  requeue(work, place)
  const error = reason === null ? null : { ...reason, atMs: work.nowMs }
  saveTarget(work, { job, target }, { error })
}

/**
 * Takes all others along that the same stream was to reach, where much is left of it: one stream more beside it would
 * take as long again, and cross the same links twice. Nobody loses much, since large files go on from where all are.
 */
function gather(work: Work, place: TargetPlace, culprit: BindingRuntime): void {
  const { policy, job, target } = place
  const { runId } = target
  const source = policy.sources.get(target.sourceId)
  const binding = policy.bindings.get(target.bindingId)
  const first = firstOf(target)
  if (source === undefined || binding === undefined || runId === null) return
  if (!lacksMuch(source, binding)) return
  const others = [...job.targets.values()].filter(
    (one) => one !== target && one.state === 'running' && one.runId === runId,
  )
  const sharing = others.filter(({ bindingId, way }) => {
    if (firstOf({ way, bindingId }) !== first || bindingId === culprit.bindingId) return false
    return policy.bindings.get(bindingId)?.connected === true
  })
  const left = sharing.filter((one) => !isReached({ ...place, target: one }))
  for (const one of left) requeue(work, { ...place, target: one })
  const sender = senderOf(policy, target)
  if (sender === null || left.every((one) => one.bindingId !== first)) return
  const reason = { code: 'CANCELLED', message: 'the stream goes on in another tree' }
  work.instruct(sender.serverId, { type: 'cancelJob', jobId: runId, reason, bindingIds: [first] })
}

/** Whom the sender itself sends to on the way to a target. */
function firstOf({ way, bindingId }: Pick<JobTargetRuntime, 'way' | 'bindingId'>): string {
  return way.relays[0] ?? bindingId
}

/** What a server itself gets by the run in which it passes on to a target; null where that has nothing for it. */
function relayOf({ policy, job, target }: TargetPlace, serverId: string): TargetPlace | null {
  const relays = target.way.relays.map((relay) => job.targets.get(relay))
  const own = relays.find((one) => one?.serverId === serverId && one.runId === target.runId)
  return own === undefined ? null : { policy, job, target: own }
}

/**
 * Whoever is next on the way below the server that cut the target off: the one in trouble, where anybody is; those below it
 * are not. `relayId` is null where the sender did.
 */
function nextBelow(
  { policy, job, target }: TargetPlace,
  relayId: string | null,
): BindingRuntime | null {
  const way = [...target.way.relays, target.bindingId]
  const at = way.findIndex((bindingId) => job.targets.get(bindingId)?.serverId === relayId)
  return policy.bindings.get(way[at + 1] ?? '') ?? null
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
