import { eq, sql } from 'drizzle-orm'

import type { AgentMessageOf, ChangeRecord } from '../../core/wire/control.ts'
import type { Writer } from '../db/database.ts'
import { policySources } from '../db/schema.ts'
import { extendLists, recountLists } from './first-lists.ts'
import { reflectHold } from './holds.ts'
import type { PolicyRuntime, SourceRuntime } from './runtime.ts'
import { cancelTargets } from './targets.ts'
import type { Work } from './work.ts'

interface Place {
  readonly policy: PolicyRuntime
  readonly source: SourceRuntime
}

/** Takes in what a source says of itself. Another epoch starts its history anew. */
export function applySourceReport(
  work: Work,
  { policy, source }: Place,
  report: AgentMessageOf<'sourceReport'>,
): void {
  if (report.epoch !== source.epoch) startEpoch(work, { policy, source }, report.epoch)
  source.headSeq = Math.max(source.headSeq, report.headSeq)
  if (report.listedSeq !== undefined) extendLists(work, { policy, source }, report.listedSeq)
  source.completeAtMs = report.completeAt === null ? null : Date.parse(report.completeAt)
  source.gaps = report.gaps
  source.fileCount = report.fileCount
  source.totalBytes = report.totalBytes
  source.error = report.error
  source.hold = report.hold ?? null
  saveSource(work, source)
  reflectHold(work, { kind: 'source', policy, source })
  touch(work, policy, source)
}

/**
 * Records changes and moves the head. Gives false where some between what is recorded and these are missing: the
 * source must start again from what is recorded.
 */
export function applyChanges(
  work: Work,
  { policy, source }: Place,
  page: AgentMessageOf<'changes'>,
): boolean {
  if (page.epoch !== source.epoch) startEpoch(work, { policy, source }, page.epoch)
  if (page.from > source.recordedSeq) return false
  const { sourceId, epoch } = page
  const records = page.records.filter((record) => record.seq > source.recordedSeq)
  if (records.length > 0) {
    const recordedAtMs = work.nowMs
    work.write((writer) => insertChanges(writer, { sourceId, epoch, recordedAtMs, records }))
  }
  const bytes = records.reduce((sum, { size }) => sum + size, 0)
  source.recentBytes.take({ from: source.recordedSeq, upTo: page.upTo, bytes })
  source.recordedSeq = Math.max(source.recordedSeq, page.upTo)
  // While the source is looked through for the first time, whatever is found belongs to the list that follows it.
  if (source.completeAtMs === null) extendLists(work, { policy, source }, source.recordedSeq)
  else recountLists(work, { policy, source }, page.from)
  source.headSeq = Math.max(source.headSeq, source.recordedSeq)
  saveSource(work, source)
  const upTo = source.recordedSeq
  work.instruct(source.serverId, { type: 'changesRecorded', sourceId, epoch, upTo })
  touch(work, policy, source)
  return true
}

/** What the jobs of the old epoch were to send is not there any more. */
function startEpoch(work: Work, { policy, source }: Place, epoch: string): void {
  source.epoch = epoch
  source.headSeq = 0
  source.recordedSeq = 0
  source.completeAtMs = null
  source.recentBytes.clear()
  const message = 'the journal of the source was made anew'
  // What a person stopped was counted in the numbers of the old one.
  for (const binding of policy.bindings.values()) {
    if (binding.sourceId === source.sourceId) binding.waivedSeq = null
  }
  for (const job of policy.jobs.values()) {
    const to = job.to.get(source.sourceId)
    // Its new root is what a job asked about: the hold's end says what becomes of it.
    const isOfRoot = job.hold?.code === 'ROOT_CHANGED' && job.hold.bindingId === undefined
    if (to === undefined || to.epoch === epoch || isOfRoot) continue
    const ofSource = [...job.targets.values()].filter((t) => t.sourceId === source.sourceId)
    cancelTargets(work, { policy, job }, { targets: ofSource, message })
  }
}

function saveSource(work: Work, source: SourceRuntime): void {
  const { sourceId, epoch, headSeq, recordedSeq, completeAtMs, gaps } = source
  const { fileCount, totalBytes, error, hold } = source
  const numbers = { epoch, headSeq, recordedSeq, completeAtMs, gaps }
  const values = { ...numbers, fileCount, totalBytes, error, hold }
  work.write((writer) =>
    writer.update(policySources).set(values).where(eq(policySources.id, sourceId)),
  )
}

function touch(work: Work, policy: PolicyRuntime, source: SourceRuntime): void {
  work.dirty.add(policy.policyId)
  work.publish({
    type: 'convergence',
    objectId: policy.policyId,
    policyId: policy.policyId,
    serverIds: [source.serverId],
    data: { headSeq: source.headSeq },
  })
}

/** One statement whatever the number of rows: SQLite takes the page apart itself. */
async function insertChanges(
  writer: Writer,
  page: {
    sourceId: string
    epoch: string
    recordedAtMs: number
    records: readonly ChangeRecord[]
  },
): Promise<void> {
  const { sourceId, epoch, recordedAtMs } = page
  const rows = JSON.stringify(
    page.records.map((r) => [r.seq, r.path, r.from, r.operation, r.type, r.size, r.hash]),
  )
  await writer.run(sql`
    WITH before AS (
      SELECT total_entries, total_bytes FROM changes
      WHERE source_id = ${sourceId} AND epoch = ${epoch} AND seq < ${page.records[0]?.seq ?? 0}
      ORDER BY seq DESC LIMIT 1)
    INSERT OR REPLACE INTO changes
      (source_id, epoch, seq, path, from_path, operation, type, size, hash, recorded_at_ms,
       total_entries, total_bytes)
    SELECT ${sourceId}, ${epoch}, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
      value ->> 5, value ->> 6, ${recordedAtMs},
      coalesce((SELECT total_entries FROM before), 0) + row_number() OVER pages,
      coalesce((SELECT total_bytes FROM before), 0) + sum(value ->> 5) OVER pages
    FROM json_each(${rows}) WINDOW pages AS (ORDER BY value ->> 0)`)
}
