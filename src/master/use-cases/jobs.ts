import { type SQL, and, desc, eq, gte, inArray, lt, lte, sql } from 'drizzle-orm'

import { AppError, ERRORS } from '../../core/base/errors.ts'
import type { ReportedHold } from '../../core/wire/control.ts'
import { iso } from '../../platform/clock.ts'
import type { Actor, MasterContext } from '../context.ts'
import type { Reader } from '../db/database.ts'
import { isoOrNull, toErrorReason } from '../db/reason.ts'
import { jobSources, jobTargets, jobs } from '../db/schema.ts'
import { DIRECTLY } from '../jobs/runtime.ts'
import type { Job, JobHold, JobKind, JobState, JobTarget, JobTargetState, Page } from '../model.ts'
import { shownPath } from '../policies/roots.ts'
import { findJob, findPolicy, findServer } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

type JobRow = typeof jobs.$inferSelect
type TargetRow = typeof jobTargets.$inferSelect

const WHOLE_TARGETS_MAX = 100
const OPEN: readonly JobState[] = ['queued', 'running', 'held']

export interface JobFilter extends PageRequest {
  readonly policyId?: string | undefined
  readonly serverId?: string | undefined
  readonly kinds?: readonly JobKind[] | undefined
  readonly states?: readonly JobState[] | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

/** Lists jobs, newest first. */
export async function listJobs(context: MasterContext, filter: JobFilter): Promise<Page<Job>> {
  const { read } = context.database
  const before = cursorKey(filter, 1)?.[0]
  const rows = await read
    .select()
    .from(jobs)
    .where(
      and(
        ...(await referenceConditions(read, filter)),
        filter.kinds && inArray(jobs.kind, filter.kinds),
        filter.states && inArray(jobs.state, filter.states),
        filter.fromMs === undefined ? undefined : gte(jobs.createdAtMs, filter.fromMs),
        filter.toMs === undefined ? undefined : lte(jobs.createdAtMs, filter.toMs),
        before === undefined ? undefined : lt(jobs.id, before),
      ),
    )
    .orderBy(desc(jobs.id))
    .limit(pageLimit(filter) + 1)
  const page = toPage(rows, filter, { keyOf: (row) => [row.id], convert: (row) => row })
  return { items: await toJobs(read, page.items), nextCursor: page.nextCursor }
}

/** Gives one job; with `waitMs`, once it has ended or the time is over. NOT_FOUND. */
export async function getJob(context: MasterContext, id: string, waitMs = 0): Promise<Job> {
  const deadlineMs = context.clock.nowMs() + waitMs
  const changed = watchJob(context, id)
  try {
    for (;;) {
      const row = await findJob(context.database.read, id)
      const leftMs = deadlineMs - context.clock.nowMs()
      if (!OPEN.includes(row.state) || leftMs <= 0) return await toJob(context.database.read, row)
      await Promise.race([changed.next(), context.clock.sleep(leftMs)])
    }
  } finally {
    changed.stop()
  }
}

/** Lists the targets of a job by the id of their server; NOT_FOUND. */
export async function listJobTargets(
  context: MasterContext,
  input: PageRequest & {
    readonly jobId: string
    readonly states?: readonly JobTargetState[] | undefined
  },
): Promise<Page<JobTarget>> {
  const { read } = context.database
  await findJob(read, input.jobId)
  const after = cursorKey(input, 2)
  const rows = await read
    .select()
    .from(jobTargets)
    .where(
      and(
        eq(jobTargets.jobId, input.jobId),
        input.states && inArray(jobTargets.state, input.states),
        after === null
          ? undefined
          : sql`(${jobTargets.serverId}, ${jobTargets.bindingId}) > (${after[0]}, ${after[1]})`,
      ),
    )
    .orderBy(jobTargets.serverId, jobTargets.bindingId)
    .limit(pageLimit(input) + 1)
  const convert = (row: TargetRow) => toTarget(row)
  return toPage(rows, input, { keyOf: (row) => [row.serverId, row.bindingId], convert })
}

/** Cancels what has not ended of a job; what its targets lack stays in the backlog. NOT_FOUND. */
export async function cancelJob(context: MasterContext, actor: Actor, id: string): Promise<Job> {
  await context.jobs.cancel(id, actor)
  return await getJob(context, id)
}

/** Lets go exactly what a job holds; HOLD_CHANGED where it is something else by now, NOT_FOUND. */
export async function approveJob(
  context: MasterContext,
  _actor: Actor,
  input: { readonly jobId: string; readonly fingerprint: string },
): Promise<Job> {
  await context.jobs.approve(input.jobId, input.fingerprint)
  return await getJob(context, input.jobId)
}

/** Tries the targets again that a job left behind; gives the id of the new job. NOT_FOUND, IN_USE while it runs. */
export async function retryJob(
  context: MasterContext,
  _actor: Actor,
  id: string,
): Promise<{ readonly jobId: string }> {
  const { read } = context.database
  const row = await findJob(read, id)
  if (OPEN.includes(row.state)) {
    throw new AppError('IN_USE', `cannot retry job "${id}": it has not ended`)
  }
  const targets = await read.select().from(jobTargets).where(eq(jobTargets.jobId, id))
  const left = targets.filter((target) => target.state !== 'done')
  const chosen = left.length === 0 ? targets : left
  const serverIds = [...new Set(chosen.map((target) => target.serverId))]
  const { policyId } = row
  return { jobId: await context.jobs.sync({ policyId, serverIds, trigger: 'retry', heads: [] }) }
}

/** Notices that a job changed between two looks at it. */
function watchJob(context: MasterContext, id: string) {
  let wake = Promise.withResolvers<void>()
  const stop = context.events.subscribe((event) => {
    if (event.type !== 'job' || event.objectId !== id) return
    wake.resolve()
    wake = Promise.withResolvers()
  })
  return { stop, next: () => wake.promise }
}

async function referenceConditions(reader: Reader, filter: JobFilter): Promise<SQL[]> {
  const conditions: SQL[] = []
  if (filter.policyId !== undefined) {
    conditions.push(eq(jobs.policyId, (await findPolicy(reader, filter.policyId)).id))
  }
  if (filter.serverId !== undefined) {
    const { id } = await findServer(reader, filter.serverId)
    conditions.push(sql`(EXISTS (SELECT 1 FROM ${jobTargets}
        WHERE ${jobTargets.jobId} = ${jobs.id} AND ${jobTargets.serverId} = ${id})
      OR EXISTS (SELECT 1 FROM ${jobSources}
        WHERE ${jobSources.jobId} = ${jobs.id} AND ${jobSources.serverId} = ${id}))`)
  }
  return conditions
}

async function toJob(reader: Reader, row: JobRow): Promise<Job> {
  const [job] = await toJobs(reader, [row])
  return job ?? (await Promise.reject(new AppError('NOT_FOUND', `cannot find job "${row.id}"`)))
}

async function toJobs(reader: Reader, rows: readonly JobRow[]): Promise<Job[]> {
  const ids = rows.map((row) => row.id)
  const sources = await reader.select().from(jobSources).where(inArray(jobSources.jobId, ids))
  const counts = await reader
    .select({ jobId: jobTargets.jobId, state: jobTargets.state, count: sql<number>`count(*)` })
    .from(jobTargets)
    .where(inArray(jobTargets.jobId, ids))
    .groupBy(jobTargets.jobId, jobTargets.state)
  const totals = Map.groupBy(counts, (count) => count.jobId)
  const small = ids.filter((id) => total(totals.get(id) ?? []) <= WHOLE_TARGETS_MAX)
  const targets = await reader
    .select()
    .from(jobTargets)
    .where(inArray(jobTargets.jobId, small))
    .orderBy(jobTargets.serverId, jobTargets.bindingId)
  return rows.map((row) => ({
    ...plainFields(row),
    sources: sources
      .filter((source) => source.jobId === row.id)
      .map(({ sourceId, serverId, epoch, fromSeq, toSeq }) => {
        return { sourceId, serverId, epoch, from: fromSeq, to: toSeq }
      }),
    targetCounts: Object.fromEntries((totals.get(row.id) ?? []).map((c) => [c.state, c.count])),
    targets: targets.filter((target) => target.jobId === row.id).map(toTarget),
  }))
}

function total(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0)
}

function plainFields(row: JobRow): Omit<Job, 'sources' | 'targetCounts' | 'targets'> {
  const { id, version, policyId, policyVersion, kind, trigger, state, entries, bytes } = row
  return {
    id,
    version,
    policyId,
    policyVersion,
    kind,
    trigger,
    state,
    entries,
    bytes,
    createdAt: iso(row.createdAtMs),
    startedAt: isoOrNull(row.startedAtMs),
    endedAt: isoOrNull(row.endedAtMs),
    hold: toJobHold(row.hold),
    error: toErrorReason(row.error),
  }
}

/** These end once their cause has, whether anybody answers or not. */
const CLEARS_ITSELF: ReadonlySet<string> = new Set(['ROOT_CHANGED'])

function toJobHold(hold: ReportedHold | null): JobHold | null {
  if (hold === null) return null
  const { code, message, since, fingerprint, deletes, updates, bytes } = hold
  const sample = hold.sample.map((path) => shownPath(path).path)
  const { action } = ERRORS[code]
  const preview = { deletes, updates, bytes, sample }
  return {
    code,
    message,
    action,
    at: since,
    since,
    fingerprint,
    preview,
    clearsItself: CLEARS_ITSELF.has(code),
  }
}

function toTarget(row: TargetRow): JobTarget {
  const { jobId: _, runId, way, error, ...fields } = row
  const why = runId === null ? null : (way ?? DIRECTLY).why
  return { ...fields, why, error: toErrorReason(error) }
}
