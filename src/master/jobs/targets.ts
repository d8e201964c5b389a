import { and, eq } from 'drizzle-orm'

import type { AgentMessageOf, MasterMessageOf, TargetNotes } from '../../core/wire/control.ts'
import type { DatedReason, Reason } from '../db/reason.ts'
import { jobTargets, jobs, notedEntries, pendingExceptions, targetStates } from '../db/schema.ts'
import type { JobState, JobTargetState } from '../model.ts'
import {
  type BindingRuntime,
  type JobRuntime,
  type JobTargetRuntime,
  type PolicyRuntime,
  hasReached,
  isOpen,
  senderOf,
} from './runtime.ts'
import type { Work } from './work.ts'

export interface JobPlace {
  readonly policy: PolicyRuntime
  readonly job: JobRuntime
}

export interface BindingPlace {
  readonly policy: PolicyRuntime
  readonly binding: BindingRuntime
}

/**
 * Takes in what a target durably holds. The first watermark of a connection replaces what was known, downwards too. A
 * target that could not look says nothing of what it holds, so what was known of that stays.
 */
export function applyTargetReport(
  work: Work,
  { policy, binding }: BindingPlace,
  report: AgentMessageOf<'targetReport'>,
): void {
  binding.reported = true
  // What was in the way is not any more, so that nothing need be waited for.
  if (isOfRoot(binding.error) && report.error === null) binding.lastTry = null
  binding.error = report.error
  if (report.hold?.code === 'ROOT_CHANGED') binding.hold = report.hold
  if (report.watermark !== null || report.error === null) takePosition(work, binding, report)
  settle(work, { policy, binding })
}

function isOfRoot(error: Reason | null): boolean {
  return error?.code === 'ROOT_MISSING' || error?.code === 'ROOT_CHANGED'
}

function takePosition(
  work: Work,
  binding: BindingRuntime,
  report: AgentMessageOf<'targetReport'>,
): void {
  const { watermark, pendingCount } = report
  const isLate =
    binding.watermarkTold && watermark !== null && hasReached(binding.watermark, watermark)
  if (!isLate) binding.watermark = watermark
  binding.watermarkTold = true
  binding.pendingCount = pendingCount
  binding.hold = report.hold ?? null
  savePending(work, report)
  takeNotes(work, binding, report.notes ?? NO_NOTES)
}

/** Where a target lacks nothing, and did not before, there is nothing to write. */
function takeNotes(work: Work, binding: BindingRuntime, { counts, newest }: TargetNotes): void {
  if (counts.length + binding.notes.length === 0) return
  binding.notes = counts
  const { bindingId } = binding
  work.write((writer) => writer.delete(notedEntries).where(eq(notedEntries.bindingId, bindingId)))
  if (newest.length === 0) return
  const rows = newest.map(({ seq, code }) => ({ bindingId, seq, code }))
  work.write((writer) => writer.insert(notedEntries).values(rows).onConflictDoNothing())
}

const NO_NOTES: TargetNotes = { counts: [], newest: [] }

/** Takes in what a job's end or progress says of one target, as its sender reports it. */
export function applyJobReport(
  work: Work,
  place: JobPlace & { readonly target: JobTargetRuntime },
  report: AgentMessageOf<'jobReport'>,
): void {
  const { policy, target } = place
  saveFigures(work, place, report)
  if (!isOpen(target.state)) return
  if (report.state === 'running') {
    // An attempt has failed, and another will be made. What was given up for another run fails too.
    const isOfThisRun = report.jobId === target.runId
    if (report.error !== null && isOfThisRun)
      noteWay(work, place, { code: report.error.code, isSure: false })
    return
  }
  const ended = report.entriesFailed > 0 ? 'partial' : 'done'
  const state = report.state === 'failed' ? 'failed' : ended
  endTarget(work, place, { state, error: report.error })
  const binding = policy.bindings.get(target.bindingId)
  if (binding !== undefined) settle(work, { policy, binding })
}

/** Writes what a report says of a target, whether it still runs or not. */
export function saveFigures(
  work: Work,
  { job, target }: JobPlace & { readonly target: JobTargetRuntime },
  report: AgentMessageOf<'jobReport'>,
): void {
  target.heardAtMs = work.nowMs
  const { via, attempts, bytesOnWire, entriesApplied, entriesFailed } = report
  const error = dated(report.error, work.nowMs)
  if (target.progress !== null && report.jobId === target.runId)
    target.progress = { ...target.progress, bytes: bytesOnWire, atMs: work.nowMs }
  const counters = { via, attempts, bytesOnWire, entriesApplied, entriesFailed, error }
  saveTarget(work, { job, target }, counters)
}

/** Ends targets of a job whose sender will report nothing more that counts. */
export function cancelTargets(
  work: Work,
  place: JobPlace,
  order: { readonly targets: readonly JobTargetRuntime[]; readonly message: string },
): void {
  const reason = { code: 'CANCELLED', message: order.message }
  const cancels = cancelsOf(place, order.targets, reason)
  for (const target of order.targets) {
    if (!isOpen(target.state)) continue
    endTarget(work, { ...place, target }, { state: 'cancelled', error: reason })
  }
  for (const { serverId, message } of cancels) work.instruct(serverId, message)
}

/**
 * Whom to tell that these targets are to get nothing more: the senders, of what they themselves send to; and where a run
 * ends as a whole, the relays, which may have a good part of it still to pass on.
 */
function cancelsOf(
  { policy, job }: JobPlace,
  targets: readonly JobTargetRuntime[],
  reason: { readonly code: string; readonly message: string },
): { readonly serverId: string; readonly message: MasterMessageOf<'cancelJob'> }[] {
  return runsOf(policy, targets).flatMap(({ serverId, runId }) => {
    const running = [...job.targets.values()].filter((one) => one.runId === runId)
    const open = running.filter((one) => one.state === 'running')
    const cancel = { type: 'cancelJob', jobId: runId, reason } as const
    if (open.every((one) => targets.includes(one))) {
      const relays = running.flatMap(({ way }) => way.relays.map((id) => job.targets.get(id)))
      const serverIds = new Set([serverId, ...relays.flatMap((one) => one?.serverId ?? [])])
      return [...serverIds].map((one) => ({ serverId: one, message: cancel }))
    }
    const first = open.filter((one) => targets.includes(one) && one.way.relays.length === 0)
    const bindingIds = first.map(({ bindingId }) => bindingId)
    return bindingIds.length === 0 ? [] : [{ serverId, message: { ...cancel, bindingIds } }]
  })
}

/** The runs under way for these targets, each with the server that carries it. */
export function runsOf(
  policy: PolicyRuntime,
  targets: Iterable<JobTargetRuntime>,
): { readonly serverId: string; readonly runId: string }[] {
  const runs = new Map<string, { serverId: string; runId: string }>()
  for (const target of targets) {
    const { state, runId } = target
    const serverId = senderOf(policy, target)?.serverId
    if (state !== 'running' || runId === null || serverId === undefined) continue
    runs.set(`${serverId} ${runId}`, { serverId, runId })
  }
  return [...runs.values()]
}

/** Ends one target of a job, and the job with its last one. */
export function endTarget(
  work: Work,
  place: JobPlace & { readonly target: JobTargetRuntime },
  end: { readonly state: JobTargetState; readonly error: { code: string; message: string } | null },
): void {
  const { policy, job, target } = place
  target.state = end.state
  saveTarget(work, { job, target }, { error: dated(end.error, work.nowMs) })
  const binding = policy.bindings.get(target.bindingId)
  if (binding?.runningJobId === job.jobId) releaseBinding(work, { ...place, binding }, end)
  endJobIfOver(work, { policy, job })
  work.dirty.add(policy.policyId)
}

function releaseBinding(
  work: Work,
  place: JobPlace & { readonly target: JobTargetRuntime; readonly binding: BindingRuntime },
  end: { readonly state: JobTargetState; readonly error: { code: string; message: string } | null },
): void {
  const { job, binding } = place
  binding.runningJobId = null
  const to = job.to.get(binding.sourceId)
  if (to === undefined || end.state === 'cancelled') return
  noteWay(work, place, { code: end.error?.code ?? null, isSure: true })
  const failed = end.state === 'failed'
  // What the sender saw applied is at the target, though the target's own report may still be on its way.
  if (!failed && !hasReached(binding.watermark, to)) binding.watermark = to
  const rounds = end.state === 'done' ? 0 : (binding.lastTry?.rounds ?? 0) + 1
  binding.lastTry = { atMs: work.nowMs, headSeq: to.seq, rounds }
  binding.failures = failed ? binding.failures + 1 : 0
  binding.lastError = dated(end.error, work.nowMs)
}

/** Whether a sender reaches a target is seen where it sends to that itself. */
function noteWay(
  work: Work,
  { policy, target }: Pick<JobPlace, 'policy'> & { readonly target: JobTargetRuntime },
  said: { readonly code: string | null; readonly isSure: boolean },
): void {
  const { lostWays } = policy.bindings.get(target.bindingId) ?? {}
  const senderId = senderOf(policy, target)?.serverId
  if (lostWays === undefined || senderId === undefined || target.way.relays.length > 0) return
  if (said.code !== 'PEER_UNREACHABLE') return void lostWays.delete(senderId)
  const isSure = said.isSure || (lostWays.get(senderId)?.isSure ?? false)
  lostWays.set(senderId, { atMs: work.nowMs, isSure })
  work.dirty.add(policy.policyId)
}

/** Draws the conclusions from a new watermark: what was asked for is reached, what was missed is made up. */
function settle(work: Work, { policy, binding }: BindingPlace): void {
  const source = policy.sources.get(binding.sourceId)
  const head = source?.epoch ? { epoch: source.epoch, seq: source.headSeq } : null
  if (head !== null && hasReached(binding.watermark, head)) {
    binding.wasAway = false
    binding.returnedAtMs = null
    binding.failures = 0
    if (binding.pendingCount === 0) binding.lastError = null
  }
  for (const job of policy.jobs.values()) settleJob(work, { policy, job, binding })
  saveBinding(work, binding)
  work.dirty.add(policy.policyId)
  publishConvergence(work, { policy, binding })
}

function settleJob(work: Work, place: JobPlace & { readonly binding: BindingRuntime }): void {
  const { job, binding } = place
  const target = job.targets.get(binding.bindingId)
  const to = job.to.get(binding.sourceId)
  if (target === undefined || to === undefined || !isOpen(target.state)) return
  // It passed what is held, which says nothing of the answer that is waited for.
  if (target.state === 'held') return
  if (!hasReached(binding.watermark, to)) return
  // What is pending is below the watermark, and asked for all the same; nobody tells more once a relay said how it ended.
  if (binding.pendingCount > 0 && target.endedAs === null) return
  // Its sender's report brings the figures and is about to come; a watch looks after it in case it does not.
  if (target.state === 'running' && target.endedAs === null) target.reachedAtMs ??= work.nowMs
  else endTarget(work, { ...place, target }, { state: target.endedAs ?? 'done', error: null })
}

function endJobIfOver(work: Work, { policy, job }: JobPlace): void {
  const states = [...job.targets.values()].map((target) => target.state)
  if (!policy.jobs.has(job.jobId) || states.some(isOpen)) return
  policy.jobs.delete(job.jobId)
  const state = endState(states)
  saveJobState(work, { policy, job }, { state, endedAtMs: work.nowMs })
}

function endState(states: readonly JobTargetState[]): JobState {
  const counted = states.filter((state) => state !== 'skipped')
  if (counted.every((state) => state === 'done')) return 'done'
  if (counted.every((state) => state === 'failed')) return 'failed'
  return counted.every((state) => state === 'cancelled') ? 'cancelled' : 'partial'
}

/** Writes a job's state and tells it. */
export function saveJobState(
  work: Work,
  { policy, job }: JobPlace,
  change: { state: JobState; endedAtMs?: number; startedAtMs?: number },
): void {
  work.write((writer) => writer.update(jobs).set(change).where(eq(jobs.id, job.jobId)))
  const { jobId: objectId, kind } = job
  const serverIds = [...job.targets.values()].map((target) => target.serverId)
  const data = { kind, state: change.state }
  work.publish({ type: 'job', objectId, policyId: policy.policyId, serverIds, data })
}

/** Writes what is known of one target of a job. */
export function saveTarget(
  work: Work,
  { job, target }: { job: JobRuntime; target: JobTargetRuntime },
  values: Partial<typeof jobTargets.$inferInsert>,
): void {
  const { state, bindingId } = target
  const place = and(eq(jobTargets.jobId, job.jobId), eq(jobTargets.bindingId, bindingId))
  work.write((writer) =>
    writer
      .update(jobTargets)
      .set({ ...values, state })
      .where(place),
  )
}

/** Writes what is known of a binding's target. */
export function saveBinding(work: Work, binding: BindingRuntime): void {
  const { bindingId, watermark, pendingCount, notes, error, failures, lastError } = binding
  const { wasAway, returnedAtMs, waivedSeq, hold } = binding
  const values = {
    epoch: watermark?.epoch ?? null,
    appliedSeq: watermark?.seq ?? 0,
    pendingCount,
    notes: [...notes],
    error,
    failures,
    lastError,
    wasAway,
    returnedAtMs,
    waivedSeq,
    hold,
    reportedAtMs: work.nowMs,
  }
  work.write((writer) =>
    writer
      .insert(targetStates)
      .values({ bindingId, ...values })
      .onConflictDoUpdate({ target: targetStates.bindingId, set: values }),
  )
}

function savePending(work: Work, report: AgentMessageOf<'targetReport'>): void {
  const { bindingId, pending } = report
  work.write((writer) =>
    writer.delete(pendingExceptions).where(eq(pendingExceptions.bindingId, bindingId)),
  )
  if (pending.length === 0) return
  const rows = pending.map((entry) => ({ bindingId, ...entry }))
  work.write((writer) => writer.insert(pendingExceptions).values(rows).onConflictDoNothing())
}

function publishConvergence(work: Work, { policy, binding }: BindingPlace): void {
  const { policyId } = policy
  const data = { appliedSeq: binding.watermark?.seq ?? null, pendingCount: binding.pendingCount }
  const serverIds = [binding.serverId]
  work.publish({ type: 'convergence', objectId: policyId, policyId, serverIds, data })
}

function dated(reason: { code: string; message: string } | null, atMs: number): DatedReason | null {
  return reason === null ? null : { ...reason, atMs }
}
