import type { SetHeader, TargetPosition } from '../apply/inbound.ts'
import type { OutboundRow, OutboundSource } from '../apply/outbound.ts'
import {
  SET_BYTES_MAX,
  SET_ENTRIES_MAX,
  SET_ENTRY_BYTES_MAX,
  SET_NEW_ENTRIES_MAX,
} from '../base/limits.ts'
import { type Result, failure, success } from '../base/result.ts'
import type { Position } from '../change/entry.ts'

/** Rows read from the journal at a time, so that the event loop stays free. */
const PAGE_ROWS = 1024
/** More than an encoded entry takes beside its paths and link target: numbers, a hash, and two names. */
const ENTRY_HEAD_BYTES = 640

/** One set on its way out. */
export interface PlannedSet {
  readonly header: SetHeader
  readonly rows: readonly OutboundRow[]
}

/** What a target said of itself when the job was opened. */
export interface TargetStart {
  readonly watermark: Position | null
  readonly pending: TargetPosition['pending'][number]['seq'][]
}

/**
 * Tells whether this source can bring the target on: SOURCE_CHANGED where the job is about another epoch,
 * JOURNAL_BEHIND where the master or the target know more of the epoch than the journal does.
 */
export function checkStart(
  source: OutboundSource,
  job: { readonly epoch: string; readonly to: number },
  watermark: Position | null,
): Result<void> {
  const epoch = source.epoch()
  if (job.epoch !== epoch)
    return failure(
      'SOURCE_CHANGED',
      `cannot send epoch "${job.epoch}": the source is at "${epoch}"`,
    )
  const known = watermark?.epoch === epoch ? Math.max(watermark.seq, job.to) : job.to
  if (known <= source.headSeq()) return success(undefined)
  return failure(
    'JOURNAL_BEHIND',
    `cannot send up to ${known}: the journal ends at ${source.headSeq()}`,
  )
}

/**
 * Gives the sets that bring a target from where it is up to `to`, each read from the journal only when it is asked for;
 * null says that more rows are to be read. A full list goes on to the head of the journal instead, because a row that
 * moved beyond `to` while the list ran would otherwise be named nowhere, and so count as gone.
 */
export function* plannedSets(
  source: OutboundSource,
  start: TargetStart,
  to: number,
): Generator<PlannedSet | null, void> {
  const epoch = source.epoch()
  if (start.watermark?.epoch !== epoch) return yield* listSets(source, 0, { kind: 'full', to })
  yield* retrySets(source, start.watermark.seq, start.pending)
  if (start.watermark.seq < to)
    yield* listSets(source, start.watermark.seq, { kind: 'incremental', to })
}

function* listSets(
  source: OutboundSource,
  start: number,
  list: { kind: 'full' | 'incremental'; to: number },
): Generator<PlannedSet | null, void> {
  const epoch = source.epoch()
  const isFull = list.kind === 'full'
  for (let from = start, ended = false; !ended;) {
    const rows: OutboundRow[] = []
    const room = new SetRoom()
    let after = from
    for (;;) {
      // Asked anew for every page: the list ends only in the very moment in which the journal holds no more.
      const upTo = isFull ? Math.max(list.to, source.headSeq()) : list.to
      const page = source.changes({ after, upTo, limit: PAGE_ROWS, liveOnly: isFull })
      const taken = page.filter((row) => room.take(row))
      for (const row of taken) rows.push(row)
      ended = taken.length === page.length && page.length < PAGE_ROWS
      after = ended ? upTo : (rows.at(-1)?.entry.seq ?? from)
      if (ended || taken.length < page.length) break
      yield null
    }
    const last = isFull ? ended : true
    yield { header: { epoch, from, to: after, kind: list.kind, last }, rows }
    from = after
  }
}

function* retrySets(
  source: OutboundSource,
  seq: number,
  pending: readonly number[],
): Generator<PlannedSet | null, void> {
  const header: SetHeader = { epoch: source.epoch(), from: seq, to: seq, kind: 'retry', last: true }
  let rows: OutboundRow[] = []
  let room = new SetRoom()
  for (const [index, pendingSeq] of pending.entries()) {
    const range = { after: pendingSeq - 1, upTo: pendingSeq, limit: 1, liveOnly: false }
    const row = source.changes(range)[0]
    if (row !== undefined && !room.take(row)) {
      yield { header, rows }
      rows = []
      room = new SetRoom()
      room.take(row)
    }
    if (row !== undefined) rows.push(row)
    if (index % PAGE_ROWS === PAGE_ROWS - 1) yield null
  }
  if (rows.length > 0) yield { header, rows }
}

/** What still fits into one set; once something did not, nothing does. */
class SetRoom {
  #entries = 0
  #newEntries = 0
  #contentBytes = 0
  #entryBytes = 0
  #isFull = false

  take(row: OutboundRow): boolean {
    const { path, from, state } = row.entry
    const entryBytes =
      ENTRY_HEAD_BYTES + path.length + (from?.length ?? 0) + (state?.linkTarget?.length ?? 0)
    // The content of what was renamed is at the target already: a renamed folder stays in one set.
    const isNew = from === null && state !== null
    const contentBytes = from === null ? (state?.size ?? 0) : 0
    this.#isFull ||=
      this.#entries === SET_ENTRIES_MAX ||
      (isNew && this.#newEntries === SET_NEW_ENTRIES_MAX) ||
      this.#entryBytes + entryBytes > SET_ENTRY_BYTES_MAX ||
      (this.#entries > 0 && this.#contentBytes + contentBytes > SET_BYTES_MAX)
    if (this.#isFull) return false
    this.#entries++
    if (isNew) this.#newEntries++
    this.#entryBytes += entryBytes
    this.#contentBytes += contentBytes
    return true
  }
}
