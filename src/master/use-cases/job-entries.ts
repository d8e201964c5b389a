import { type SQL, inArray, sql } from 'drizzle-orm'

import { fromText } from '../../core/base/byte-string.ts'
import { AppError } from '../../core/base/errors.ts'
import { iso } from '../../platform/clock.ts'
import type { MasterContext } from '../context.ts'
import type { Reader } from '../db/database.ts'
import { toEntryNote, toErrorReason } from '../db/reason.ts'
import {
  type RecordedOperation,
  changes,
  jobSources,
  jobTargets,
  notedEntries,
  pendingExceptions,
  targetStates,
} from '../db/schema.ts'
import type { EntryState, JobEntry, Page } from '../model.ts'
import { shownPath } from '../policies/roots.ts'
import { findJob, findServer } from './lookup.ts'
import { type PageRequest, cursorKey, pageLimit, toPage } from './paging.ts'

export interface EntryFilter extends PageRequest {
  readonly jobId: string
  /** Only what goes to this server, by id or `name:…`. */
  readonly serverId?: string | undefined
  /** Only what contains this text in its path. */
  readonly path?: string | undefined
  readonly states?: readonly EntryState[] | undefined
}

interface EntryRow {
  readonly bindingId: string
  readonly sourceId: string
  readonly serverId: string
  readonly seq: number
  readonly path: string
  readonly fromPath: string | null
  readonly operation: RecordedOperation
  readonly type: JobEntry['type']
  readonly size: number
  readonly recordedAtMs: number
  readonly state: EntryState
  readonly code: string | null
  readonly message: string | null
  /** Codes, separated by commas. */
  readonly notes: string | null
}

/**
 * Lists what a job was to send, once per target, in the order of the changes. Entries are kept once for all jobs, so the
 * state is what the target says now: applied where its watermark has passed it and nothing is pending. NOT_FOUND.
 */
export async function listJobEntries(
  context: MasterContext,
  filter: EntryFilter,
): Promise<Page<JobEntry>> {
  const { read } = context.database
  await findJob(read, filter.jobId)
  const rows = await read.all<EntryRow>(await entriesQuery(read, filter))
  const keyOf = (row: EntryRow) => [row.sourceId, String(row.seq), row.bindingId]
  return toPage(rows, filter, { keyOf, convert: toEntry })
}

async function entriesQuery(reader: Reader, filter: EntryFilter): Promise<SQL> {
  const conditions = [sql`jt.job_id = ${filter.jobId}`]
  if (filter.serverId !== undefined) {
    conditions.push(sql`jt.server_id = ${(await findServer(reader, filter.serverId)).id}`)
  }
  if (filter.path !== undefined) {
    conditions.push(sql`instr(c.path, ${fromText(filter.path)}) > 0`)
  }
  const after = cursorKey(filter, 3)
  if (after !== null) conditions.push(afterCondition(after))
  const states = filter.states === undefined ? sql`TRUE` : inArray(sql`state`, [...filter.states])
  return sql`
    SELECT * FROM (
      SELECT jt.binding_id AS bindingId, jt.source_id AS sourceId, jt.server_id AS serverId,
        c.seq, c.path, c.from_path AS fromPath, c.operation, c.type, c.size,
        c.recorded_at_ms AS recordedAtMs, p.code, p.message, ${NOTES} AS notes,
        ${STATE} AS state
      FROM ${jobTargets} jt
        JOIN ${jobSources} js ON js.job_id = jt.job_id AND js.source_id = jt.source_id
        JOIN ${changes} c ON c.source_id = js.source_id AND c.epoch = js.epoch
          AND c.seq > js.from_seq AND c.seq <= js.to_seq
        LEFT JOIN ${targetStates} ts ON ts.binding_id = jt.binding_id
        LEFT JOIN ${pendingExceptions} p ON p.binding_id = jt.binding_id AND p.seq = c.seq
      WHERE ${sql.join(conditions, sql` AND `)}
    ) WHERE ${states} ORDER BY sourceId, seq, bindingId LIMIT ${pageLimit(filter) + 1}`
}

function afterCondition([sourceId, seq, bindingId]: readonly string[]): SQL {
  const number = Number(seq)
  if (!Number.isSafeInteger(number)) {
    throw new AppError('INVALID_REQUEST', 'cannot read the cursor of a list of entries')
  }
  return sql`(jt.source_id, c.seq, jt.binding_id) > (${sourceId}, ${number}, ${bindingId})`
}

const NOTES = sql`(SELECT group_concat(n.code) FROM ${notedEntries} n
  WHERE n.binding_id = jt.binding_id AND n.seq = c.seq AND ts.epoch = js.epoch)`

/** What was held back is told apart from what was sent; once let go it comes again under a later number. */
const STATE = sql`CASE
  WHEN c.operation IN ('held', 'kept') THEN c.operation
  WHEN c.operation = 'released' THEN 'superseded'
  WHEN p.code IS NOT NULL THEN p.state
  WHEN ts.epoch = js.epoch AND ts.applied_seq >= c.seq THEN 'applied'
  WHEN jt.state = 'running' THEN 'sent'
  ELSE 'queued' END`

function toEntry(row: EntryRow): JobEntry {
  const { path, pathBytes } = shownPath(row.path)
  const from = row.fromPath === null ? null : shownPath(row.fromPath)
  const error =
    row.code === null
      ? null
      : { code: row.code, message: row.message ?? '', atMs: row.recordedAtMs }
  return {
    path,
    ...(pathBytes === undefined ? {} : { pathBytes }),
    type: row.type,
    op: shownOperation(row),
    ...(from === null ? {} : { from: from.path }),
    ...(from?.pathBytes === undefined ? {} : { fromBytes: from.pathBytes }),
    changed: iso(row.recordedAtMs),
    size: row.size,
    seq: row.seq,
    sourceId: row.sourceId,
    serverId: row.serverId,
    state: row.state,
    notes: row.notes === null ? [] : row.notes.split(',').map(toEntryNote),
    error: toErrorReason(error),
  }
}

/** What is withheld is gone at the source, or it is there and empty. */
function shownOperation({ operation, type }: EntryRow): JobEntry['op'] {
  const isWithheld = operation === 'held' || operation === 'kept' || operation === 'released'
  if (!isWithheld) return operation
  return type === null ? 'delete' : 'update'
}
