import { and, eq, gt, lte } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import type { Position } from '../../core/change/entry.ts'
import type { SourceHold } from '../../core/wire/control.ts'
import { changes, jobSources, jobs } from '../db/schema.ts'
import type { JobRuntime, PolicyRuntime, SourceRuntime } from './runtime.ts'
import { addJob } from './start.ts'
import { obstacleOf } from './sync.ts'
import { type JobPlace, endTarget, saveJobState, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

interface SourcePlace {
  readonly policy: PolicyRuntime
  readonly source: SourceRuntime
}

/** A job that asks for a person's word, and the source whose changes wait for it. */
interface HeldPlace extends SourcePlace {
  readonly job: JobRuntime
  readonly hold: SourceHold
}

/** Keeps the job that asks for a person's word in step with what its source holds back. */
export function reflectHold(work: Work, place: SourcePlace): void {
  const { policy, source } = place
  const { hold } = source
  const asking = heldJobOf(policy, source.sourceId)
  if (asking === null) {
    if (hold !== null) askForWord(work, place, hold)
    return
  }
  const { job } = asking
  // Whoever asked is about to be answered; until then the job is theirs.
  if (job.isResolving) return
  if (hold === null) return returned(work, { ...place, ...asking })
  if (hold.fingerprint === asking.hold.fingerprint) return
  job.hold = hold
  job.to.set(source.sourceId, { epoch: source.epoch ?? '', seq: hold.to })
  saveHold(work, { ...place, job, hold })
}

/** Finds what a person answers; NOT_FOUND where nothing is held, HOLD_CHANGED where something else is by now. */
export function beginResolving(
  policy: PolicyRuntime,
  jobId: string,
  fingerprint: string,
): HeldPlace {
  const place = placeOf(policy, jobId)
  if (place === null)
    throw new AppError('HOLD_CHANGED', 'cannot answer: the job holds nothing any more')
  if (place.hold.fingerprint !== fingerprint || place.job.isResolving)
    throw new AppError('HOLD_CHANGED', 'cannot answer: something else is held by now')
  place.job.isResolving = true
  return place
}

/** The same once the source has answered; null where nothing waits for it any more. */
export function endResolving(policy: PolicyRuntime, jobId: string): HeldPlace | null {
  const place = placeOf(policy, jobId)
  if (place !== null) place.job.isResolving = false
  return place
}

function placeOf(policy: PolicyRuntime, jobId: string): HeldPlace | null {
  const job = policy.jobs.get(jobId)
  const [sourceId = ''] = job?.to.keys() ?? []
  const source = policy.sources.get(sourceId)
  const hold = job?.hold ?? null
  if (job === undefined || hold === null || source === undefined) return null
  return { policy, source, job, hold }
}

/** What is held was let go: the job goes on, up to where the source's journal stands now. */
export function released(work: Work, place: HeldPlace, position: Position): void {
  const { policy, source, job, hold } = place
  job.hold = null
  job.isResolving = false
  job.to.set(source.sourceId, position)
  renameHeld(work, place, 'released')
  const ofSource = and(eq(jobSources.jobId, job.jobId), eq(jobSources.sourceId, source.sourceId))
  const range = { fromSeq: hold.from, toSeq: position.seq }
  work.write((writer) => writer.update(jobs).set({ hold: null }).where(eq(jobs.id, job.jobId)))
  work.write((writer) => writer.update(jobSources).set(range).where(ofSource))
  saveJobState(work, { policy, job }, { state: 'queued', startedAtMs: work.nowMs })
  for (const target of job.targets.values()) {
    if (target.state !== 'held') continue
    target.state = 'queued'
    saveTarget(work, { job, target }, {})
    const binding = policy.bindings.get(target.bindingId)
    const error = binding === undefined ? null : obstacleOf(policy, binding)
    if (error !== null) endTarget(work, { policy, job, target }, { state: 'failed', error })
  }
  work.dirty.add(policy.policyId)
  publishHold(work, place, 'released')
}

/** What is held stays on the targets. */
export function kept(work: Work, place: HeldPlace): void {
  renameHeld(work, place, 'kept')
  endHold(work, place, 'cancelled')
  publishHold(work, place, 'kept')
}

/** All that was held is at the source again, or went another way: there is nothing to ask any more. */
function returned(work: Work, place: HeldPlace): void {
  renameHeld(work, place, 'released')
  endHold(work, place, 'done')
  publishHold(work, place, 'released')
}

function heldJobOf(
  policy: PolicyRuntime,
  sourceId: string,
): { readonly job: JobRuntime; readonly hold: SourceHold } | null {
  for (const job of policy.jobs.values())
    if (job.hold !== null && job.to.has(sourceId)) return { job, hold: job.hold }
  return null
}

function askForWord(work: Work, place: SourcePlace, hold: SourceHold): void {
  const { policy, source } = place
  const ofSource = ({ sourceId }: { sourceId: string }) => sourceId === source.sourceId
  const bindings = [...policy.bindings.values()].filter(ofSource)
  const kind = 'realtime'
  const order = { trigger: 'change', state: 'held', bindings, ways: new Map() } as const
  const job = addJob(work, policy, { kind, ...order })
  job.hold = hold
  saveHold(work, { ...place, job, hold })
}

function saveHold(work: Work, place: HeldPlace): void {
  const { source, job, hold } = place
  const ofSource = and(eq(jobSources.jobId, job.jobId), eq(jobSources.sourceId, source.sourceId))
  const size = { entries: hold.deletes + hold.updates, bytes: hold.bytes }
  const range = { fromSeq: hold.from, toSeq: hold.to }
  work.write((writer) =>
    writer
      .update(jobs)
      .set({ hold, ...size })
      .where(eq(jobs.id, job.jobId)),
  )
  work.write((writer) => writer.update(jobSources).set(range).where(ofSource))
  publishHold(work, place, 'held')
}

function endHold(work: Work, { policy, job }: JobPlace, state: 'done' | 'cancelled'): void {
  job.hold = null
  job.isResolving = false
  work.write((writer) => writer.update(jobs).set({ hold: null }).where(eq(jobs.id, job.jobId)))
  for (const target of job.targets.values())
    if (target.state === 'held') endTarget(work, { policy, job, target }, { state, error: null })
}

/** What was recorded as held is shown as what became of it. */
function renameHeld(work: Work, place: HeldPlace, operation: 'released' | 'kept'): void {
  const { source, hold } = place
  const which = and(
    eq(changes.sourceId, source.sourceId),
    eq(changes.epoch, source.epoch ?? ''),
    gt(changes.seq, hold.from),
    lte(changes.seq, hold.to),
    eq(changes.operation, 'held'),
  )
  work.write((writer) => writer.update(changes).set({ operation }).where(which))
}

function publishHold(work: Work, place: HeldPlace, state: 'held' | 'released' | 'kept'): void {
  const { policy, source, job, hold } = place
  const { code, fingerprint, deletes, updates } = hold
  work.publish({
    type: 'hold',
    objectId: job.jobId,
    policyId: policy.policyId,
    serverIds: [source.serverId],
    data: { state, code, fingerprint, deletes, updates },
  })
}
