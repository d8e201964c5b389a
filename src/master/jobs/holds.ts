import { and, eq, gt, lte } from 'drizzle-orm'

import { AppError } from '../../core/base/errors.ts'
import type { Position } from '../../core/change/entry.ts'
import type { AgentMessageOf } from '../../core/wire/control.ts'
import type { AskedHold } from '../db/reason.ts'
import { changes, jobSources, jobs } from '../db/schema.ts'
import {
  type HoldPlace,
  askingJob,
  asksAbout,
  goalOf,
  holdAt,
  askedHold,
  placeOfJob,
  serverOf,
} from './hold-place.ts'
import type { JobRuntime, PolicyRuntime } from './runtime.ts'
import { addJob } from './start.ts'
import { obstacleOf } from './sync.ts'
import { endTarget, saveJobState, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

/** A job that asks for a person's word, and the place where something waits for it. */
interface HeldJob {
  readonly place: HoldPlace
  readonly job: JobRuntime
  readonly hold: AskedHold
}

/** Keeps the job that asks for a person's word in step with what is held at a place. */
export function reflectHold(work: Work, place: HoldPlace): void {
  const found = holdAt(place)
  const hold = found && askedHold(place, found)
  const job = [...place.policy.jobs.values()].find((one) => asksAbout(place, one))
  if (job === undefined || job.hold === null) {
    if (hold !== null) askForWord(work, place, hold)
    return
  }
  // Whoever asked is about to be answered; until then the job is theirs.
  if (job.isResolving) return
  if (hold === null) return notHeldAnyMore(work, { place, job, hold: job.hold })
  if (hold.fingerprint === job.hold.fingerprint) return
  job.hold = hold
  if (place.kind === 'source')
    job.to.set(place.source.sourceId, { epoch: place.source.epoch ?? '', seq: hold.to })
  saveHold(work, { place, job, hold })
}

/** Finds what a person answers; NOT_FOUND where nothing is held, HOLD_CHANGED where something else is by now. */
export function beginResolving(policy: PolicyRuntime, jobId: string, fingerprint: string): HeldJob {
  const held = heldJob(policy, jobId)
  if (held === null)
    throw new AppError('HOLD_CHANGED', 'cannot answer: the job holds nothing any more')
  if (held.hold.fingerprint !== fingerprint || held.job.isResolving)
    throw new AppError('HOLD_CHANGED', 'cannot answer: something else is held by now')
  held.job.isResolving = true
  return held
}

/** Takes in what the agent answered to a person's word; false where the word was about something else. */
export function endResolving(
  work: Work,
  policy: PolicyRuntime,
  word: {
    readonly jobId: string
    readonly decision: 'release' | 'keep'
    readonly answer: AppError | Pick<AgentMessageOf<'holdResolved'>, 'outcome' | 'position'>
  },
): boolean {
  const held = heldJob(policy, word.jobId)
  // What waited for it has ended meanwhile.
  if (held === null) return true
  held.job.isResolving = false
  const { answer, decision } = word
  if (answer instanceof AppError || answer.outcome !== 'done') {
    reflectHold(work, held.place)
    return false
  }
  if (decision === 'keep') kept(work, held)
  else if (held.hold.code === 'ROOT_CHANGED') settled(work, held)
  else released(work, held, answer.position)
  return true
}

function heldJob(policy: PolicyRuntime, jobId: string): HeldJob | null {
  const job = policy.jobs.get(jobId)
  const place = job === undefined ? null : placeOfJob(policy, job)
  if (job === undefined || job.hold === null || place === null) return null
  return { place, job, hold: job.hold }
}

/** What is held was let go: the job goes on, up to where the source's journal stands now. */
function released(work: Work, held: HeldJob, position: Position | null): void {
  const { place, job, hold } = held
  const { policy, source } = place
  const to = goalOf(place, position)
  job.hold = null
  job.isResolving = false
  job.to.set(source.sourceId, to)
  renameHeld(work, held, 'released')
  const ofSource = and(eq(jobSources.jobId, job.jobId), eq(jobSources.sourceId, source.sourceId))
  const fromSeq = place.kind === 'binding' && hold.to === 0 ? to.seq : hold.from
  const range = { fromSeq, toSeq: to.seq }
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
  publishHold(work, held, 'released')
}

/** What is held stays on the targets. */
function kept(work: Work, held: HeldJob): void {
  renameHeld(work, held, 'kept')
  endHold(work, held, 'cancelled')
  publishHold(work, held, 'kept')
}

/**
 * There is nothing to ask any more. At a source all that was held is there again, or went another way. At a target it
 * was taken away, or the policy or an answer that was lost on the way lets it go, so that something is to be done.
 */
function notHeldAnyMore(work: Work, held: HeldJob): void {
  const { place } = held
  if (place.kind === 'binding' && place.binding.pendingCount > 0) return released(work, held, null)
  settled(work, held)
}

/** The question is over. What follows from it, a new root for instance, is planned like anything else. */
function settled(work: Work, held: HeldJob): void {
  renameHeld(work, held, 'released')
  endHold(work, held, 'done')
  publishHold(work, held, 'released')
}

function askForWord(work: Work, place: HoldPlace, hold: AskedHold): void {
  const job = addJob(work, place.policy, { ...askingJob(place), ways: new Map() })
  job.hold = hold
  saveHold(work, { place, job, hold })
}

function saveHold(work: Work, held: HeldJob): void {
  const { place, job, hold } = held
  const { sourceId } = place.source
  const ofSource = and(eq(jobSources.jobId, job.jobId), eq(jobSources.sourceId, sourceId))
  const size = { entries: hold.deletes + hold.updates, bytes: hold.bytes }
  const range = { fromSeq: hold.from, toSeq: hold.to }
  work.write((writer) =>
    writer
      .update(jobs)
      .set({ hold, ...size })
      .where(eq(jobs.id, job.jobId)),
  )
  work.write((writer) => writer.update(jobSources).set(range).where(ofSource))
  publishHold(work, held, 'held')
}

function endHold(work: Work, { place, job }: HeldJob, state: 'done' | 'cancelled'): void {
  const { policy } = place
  job.hold = null
  job.isResolving = false
  work.write((writer) => writer.update(jobs).set({ hold: null }).where(eq(jobs.id, job.jobId)))
  for (const target of job.targets.values())
    if (target.state === 'held') endTarget(work, { policy, job, target }, { state, error: null })
}

/** What was recorded as held is shown as what became of it. What a target holds is recorded as what it is. */
function renameHeld(work: Work, { place, hold }: HeldJob, operation: 'released' | 'kept'): void {
  if (place.kind === 'binding') return
  const { source } = place
  const which = and(
    eq(changes.sourceId, source.sourceId),
    eq(changes.epoch, source.epoch ?? ''),
    gt(changes.seq, hold.from),
    lte(changes.seq, hold.to),
    eq(changes.operation, 'held'),
  )
  work.write((writer) => writer.update(changes).set({ operation }).where(which))
}

function publishHold(work: Work, held: HeldJob, state: 'held' | 'released' | 'kept'): void {
  const { place, job, hold } = held
  const { code, fingerprint, deletes, updates } = hold
  work.publish({
    type: 'hold',
    objectId: job.jobId,
    policyId: place.policy.policyId,
    serverIds: [serverOf(place)],
    data: { state, code, fingerprint, deletes, updates },
  })
}
