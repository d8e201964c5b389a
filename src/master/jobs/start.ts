import { sql } from 'drizzle-orm'

import type { PlannedJob, PlannedKind } from '../../core/plan/state.ts'
import type { Way } from '../../core/route/tree.ts'
import type { Writer } from '../db/database.ts'
import { jobSources, jobTargets, jobs } from '../db/schema.ts'
import type { JobTrigger } from '../model.ts'
import { bytesLacked } from './route.ts'
import {
  type BindingRuntime,
  DIRECTLY,
  type JobRuntime,
  type JobTargetRuntime,
  type PolicyRuntime,
  newRunId,
} from './runtime.ts'
import { saveBinding, saveJobState, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

const TRIGGERS: Record<PlannedKind, JobTrigger> = {
  initial: 'firstContact',
  realtime: 'change',
  manual: 'person',
  recovery: 'return',
}

export interface Start {
  readonly policy: PolicyRuntime
  readonly planned: PlannedJob
  /** By binding: how each target is to be reached. */
  readonly ways: ReadonlyMap<string, Way>
}

/** Starts what the planner decided: a new job, or the waiting one of a person. Gives the job and the id of this run. */
export function startJob(
  work: Work,
  { policy, planned, ways }: Start,
): { readonly job: JobRuntime; readonly runId: string } {
  const waiting = planned.jobId === null ? undefined : policy.jobs.get(planned.jobId)
  const job = waiting ?? createJob(work, { policy, planned, ways })
  // Within the journal's epoch the goal only grows; where the journal was made anew, its head is what was meant.
  job.to.set(planned.sourceId, planned.to)
  // Never one that was used before: a target that a relay gave up belongs to another run of the same job.
  const runId = waiting === undefined ? job.jobId : newRunId(job.jobId)
  if (waiting !== undefined && [...job.targets.values()].every(({ state }) => state === 'queued')) {
    saveJobState(work, { policy, job }, { state: 'running', startedAtMs: work.nowMs })
  }
  const source = policy.sources.get(planned.sourceId)
  const lacked = source && bytesLacked(source)
  const began = { startedAtMs: work.nowMs, bytes: 0, atMs: work.nowMs }
  for (const bindingId of planned.bindingIds) {
    const target = job.targets.get(bindingId)
    const binding = policy.bindings.get(bindingId)
    if (target === undefined || binding === undefined) continue
    target.state = 'running'
    target.runId = runId
    target.reachedAtMs = null
    target.endedAs = null
    target.progress = { ...began, lacksBytes: lacked?.(binding) ?? null }
    target.awaits = null
    target.way = ways.get(bindingId) ?? { ...DIRECTLY, holderId: planned.holderId }
    target.heardAtMs = work.nowMs
    binding.runningJobId = job.jobId
    if (binding.waivedSeq !== null) {
      binding.waivedSeq = null
      saveBinding(work, binding)
    }
    if (waiting !== undefined) saveTarget(work, { job, target }, { runId, way: savedWay(target) })
  }
  return { job, runId }
}

function createJob(work: Work, order: Start): JobRuntime {
  const { policy, planned, ways } = order
  const chosen = planned.bindingIds.flatMap((id) => policy.bindings.get(id) ?? [])
  const isRetry = planned.kind === 'recovery' && chosen.every((binding) => !binding.wasAway)
  const trigger = isRetry ? 'retry' : TRIGGERS[planned.kind]
  const { kind } = planned
  return addJob(work, policy, { kind, trigger, bindings: chosen, state: 'running', ways })
}

export interface NewJob {
  readonly kind: PlannedKind
  readonly trigger: JobTrigger
  readonly state: 'queued' | 'running' | 'held'
  readonly bindings: readonly BindingRuntime[]
  readonly ways: ReadonlyMap<string, Way>
}

/** Makes a job over these bindings, up to the heads of their sources as they are now, and has it written. */
export function addJob(work: Work, policy: PolicyRuntime, order: NewJob): JobRuntime {
  const job: JobRuntime = {
    jobId: Bun.randomUUIDv7(),
    policyId: policy.policyId,
    kind: order.kind,
    to: new Map(),
    targets: new Map(),
    hold: null,
    isResolving: false,
  }
  for (const { bindingId, sourceId, serverId } of order.bindings) {
    const source = policy.sources.get(sourceId)
    if (source === undefined) continue
    job.to.set(sourceId, { epoch: source.epoch ?? '', seq: source.headSeq })
    const { state } = order
    const runId = state === 'running' ? job.jobId : null
    const times = { heardAtMs: work.nowMs, reachedAtMs: null }
    const way = order.ways.get(bindingId) ?? DIRECTLY
    const relayed = { way, cutOffs: 0, endedAs: null, progress: null, awaits: null }
    job.targets.set(bindingId, {
      bindingId,
      sourceId,
      serverId,
      state,
      runId,
      ...times,
      ...relayed,
    })
  }
  policy.jobs.set(job.jobId, job)
  writeNewJob(work, { policy, job, order })
  return job
}

function writeNewJob(
  work: Work,
  { policy, job, order }: { policy: PolicyRuntime; job: JobRuntime; order: NewJob },
): void {
  const { kind, trigger, state, bindings } = order
  const row = {
    id: job.jobId,
    policyId: policy.policyId,
    policyVersion: policy.version,
    kind,
    trigger,
    state,
    createdAtMs: work.nowMs,
    startedAtMs: state === 'running' ? work.nowMs : null,
  }
  const sources = [...job.to].map(([sourceId, to]) => ({
    jobId: job.jobId,
    sourceId,
    serverId: policy.sources.get(sourceId)?.serverId ?? '',
    epoch: to.epoch,
    fromSeq: lowestWatermark(bindings, { sourceId, epoch: to.epoch }),
    toSeq: to.seq,
  }))
  const targets = [...job.targets.values()].map((target) => {
    const { bindingId, sourceId, serverId, runId } = target
    const way = savedWay(target)
    return { jobId: job.jobId, bindingId, sourceId, serverId, runId, way, state }
  })
  work.write(async (writer) => {
    await writer.insert(jobs).values(row)
    if (sources.length > 0) await writer.insert(jobSources).values(sources)
    for (let start = 0; start < targets.length; start += 1000) {
      await writer.insert(jobTargets).values(targets.slice(start, start + 1000))
    }
    await countEntries(writer, job.jobId)
  })
  const serverIds = bindings.map((binding) => binding.serverId)
  const { policyId } = policy
  const data = { kind, state, trigger }
  work.publish({ type: 'job', objectId: job.jobId, policyId, serverIds, data })
}

/** What most have takes no room. */
function savedWay({ way }: JobTargetRuntime): Way | null {
  return Bun.deepEquals(way, DIRECTLY) ? null : way
}

function lowestWatermark(
  bindings: readonly BindingRuntime[],
  of: { sourceId: string; epoch: string },
): number {
  const known = bindings
    .filter((binding) => binding.sourceId === of.sourceId)
    .map(({ watermark }) => (watermark?.epoch === of.epoch ? watermark.seq : 0))
  return known.length === 0 ? 0 : Math.min(...known)
}

/** How much a job has to send, as far as its changes are recorded. */
export async function countEntries(writer: Writer, jobId: string): Promise<void> {
  await writer.run(sql`
    UPDATE jobs SET (entries, bytes) = (
      SELECT coalesce(sum(last.total_entries - first.total_entries + 1), 0),
        coalesce(sum(last.total_bytes - first.total_bytes + first.size), 0)
      FROM job_sources s
      JOIN changes first ON first.source_id = s.source_id AND first.epoch = s.epoch AND first.seq = (
        SELECT min(c.seq) FROM changes c
        WHERE c.source_id = s.source_id AND c.epoch = s.epoch AND c.seq > s.from_seq AND c.seq <= s.to_seq)
      JOIN changes last ON last.source_id = s.source_id AND last.epoch = s.epoch AND last.seq = (
        SELECT max(c.seq) FROM changes c
        WHERE c.source_id = s.source_id AND c.epoch = s.epoch AND c.seq > s.from_seq AND c.seq <= s.to_seq)
      WHERE s.job_id = ${jobId})
    WHERE id = ${jobId}`)
}
