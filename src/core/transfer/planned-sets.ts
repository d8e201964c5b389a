import type { SetHeader, TargetPosition } from '../apply/inbound.ts'
import type { HeldSource, OutboundRow, OutboundSource } from '../apply/outbound.ts'
import { SET_BYTES_MAX, SET_ENTRY_BYTES_MAX, SET_NEW_ENTRIES_MAX } from '../base/limits.ts'
import { type Result, failure, success } from '../base/result.ts'
import { attributeBytes } from '../change/attributes.ts'
import type { Position, SentState } from '../change/entry.ts'

/** Rows read from the journal at a time, so that the event loop stays free. */
const PAGE_ROWS = 1024
/** So many rows of a source that is still being looked through are worth a set of their own. */
const EARLY_ROWS = 512
/** More than an encoded entry takes beside its paths and link target: numbers, a hash, and two names. */
const ENTRY_HEAD_BYTES = 640

export interface SetsOrder {
  /** Where the target is to be at the end. */
  readonly to: number
  /** Entries of one set, at most. */
  readonly entriesMax: number
}

/** One set on its way out. */
export interface PlannedSet {
  readonly header: Omit<SetHeader, 'jobTo'>
  readonly rows: readonly OutboundRow[]
}

/** What a target said of itself when the job was opened. */
export interface TargetStart {
  readonly watermark: Position | null
  /** See `TargetPosition.listed`; an older agent does not say. */
  readonly listed?: Position | null | undefined
  readonly pending: TargetPosition['pending'][number]['seq'][]
}

/**
 * Tells whether this source can bring the target on: SOURCE_CHANGED where the job is about another epoch,
 * JOURNAL_BEHIND where the master or the target know more of the epoch than the journal does; SOURCE_UNAVAILABLE where
 * another target, which is to do it in the stead of the source, cannot.
 */
export function checkStart(
  source: OutboundSource,
  job: { readonly epoch: string; readonly to: number },
  { watermark, listed }: Pick<TargetStart, 'watermark' | 'listed'>,
): Result<void> {
  const epoch = source.epoch()
  if (job.epoch !== epoch)
    return failure(
      'SOURCE_CHANGED',
      `cannot send epoch "${job.epoch}": the source is at "${epoch}"`,
    )
  const isSameEpoch = watermark?.epoch === epoch
  const known = isSameEpoch ? Math.max(watermark.seq, job.to) : job.to
  const since = isSameEpoch ? watermark : listed?.epoch === epoch ? listed : null
  if (source.kind === 'held') return checkHeld(source, job.to, since)
  if (known <= source.headSeq()) return success(undefined)
  return failure(
    'JOURNAL_BEHIND',
    `cannot send up to ${known}: the journal ends at ${source.headSeq()}`,
  )
}

function checkHeld(source: HeldSource, to: number, since: Position | null): Result<void> {
  if (to > source.headSeq())
    return failure('SOURCE_UNAVAILABLE', `cannot send up to ${to}: ${source.headSeq()} is held`)
  if (since === null || since.seq >= source.tellsSince()) return success(undefined)
  const why = `only what left since ${source.tellsSince()} is known`
  return failure('SOURCE_UNAVAILABLE', `cannot send from ${since.seq} on: ${why}`)
}

/** A set, or why there is none yet: rows are still to be read, or the journal has no more of them at the moment. */
export type PlannedStep = PlannedSet | 'reading' | 'later'

/**
 * Gives the sets that bring a target from where it is up to `to`, each read from the journal only when it is asked for.
 * A full list goes on to the head of the journal instead, because a row that moved beyond `to` while the list ran would
 * otherwise be named nowhere, and so count as gone; and where the source is still being looked through, it follows.
 */
export function* plannedSets(
  source: OutboundSource,
  start: TargetStart,
  order: SetsOrder,
): Generator<PlannedStep, void> {
  const { watermark } = start
  if (watermark?.epoch !== source.epoch())
    return yield* listSets(source, 0, { ...order, kind: 'full', toldFrom: toldFrom(source, start) })
  yield* retrySets(source, watermark.seq, { pending: start.pending, ...order })
  if (watermark.seq < order.to)
    yield* listSets(source, watermark.seq, {
      ...order,
      kind: 'incremental',
      toldFrom: watermark.seq,
    })
}

/** What has left since a list of this epoch that did not end may have been named by that. */
function toldFrom(source: OutboundSource, { listed }: TargetStart): number {
  const headSeq = source.headSeq()
  return listed?.epoch === source.epoch() ? Math.min(listed.seq, headSeq) : headSeq
}

function* listSets(
  source: OutboundSource,
  start: number,
  list: ListOrder,
): Generator<PlannedStep, void> {
  const epoch = source.epoch()
  for (let from = start, ended = false; !ended;) {
    const rows: OutboundRow[] = []
    const room = new SetRoom(list.entriesMax)
    let after = from
    for (;;) {
      const stretch = stretchAfter(source, list, after)
      const page = source.changes({ ...stretch.range, limit: PAGE_ROWS })
      const taken = page.filter((row) => room.take(row))
      for (const row of taken) rows.push(row)
      const isWhole = taken.length === page.length
      const isShort = isWhole && page.length < PAGE_ROWS
      after = isShort ? stretch.range.upTo : (rows.at(-1)?.entry.seq ?? after)
      const isAtEnd = isShort && stretch.isLast
      ended = isAtEnd && stretch.mayEnd
      const isEarly = !stretch.mayEnd && rows.length >= EARLY_ROWS
      if (ended || !isWhole || isEarly) break
      yield isAtEnd ? 'later' : 'reading'
    }
    const last = list.kind === 'full' ? ended : true
    yield { header: { epoch, from, to: after, kind: list.kind, last }, rows }
    from = after
  }
}

interface ListOrder extends SetsOrder {
  readonly kind: 'full' | 'incremental'
  /** From here on what is gone is named as well. */
  readonly toldFrom: number
}

/**
 * Which rows come next. Everything is asked anew for every page: a list ends only in the very moment in which the
 * journal holds no more. What left the source since the list began, or since one that was broken off did, may have been
 * named already, so from there on a full list says what is gone as well.
 */
function stretchAfter(source: OutboundSource, list: ListOrder, after: number) {
  if (list.kind === 'incremental') {
    return { range: { after, upTo: list.to, liveOnly: false }, isLast: true, mayEnd: true }
  }
  const mayEnd = source.isListed()
  const headSeq = Math.max(list.to, source.headSeq())
  const liveOnly = after < list.toldFrom
  const upTo = liveOnly ? list.toldFrom : headSeq
  return { range: { after, upTo, liveOnly }, isLast: upTo === headSeq, mayEnd }
}

function* retrySets(
  source: OutboundSource,
  seq: number,
  { pending, entriesMax }: Pick<TargetStart, 'pending'> & Pick<SetsOrder, 'entriesMax'>,
): Generator<PlannedStep, void> {
  const header = { epoch: source.epoch(), from: seq, to: seq, kind: 'retry', last: true } as const
  let rows: OutboundRow[] = []
  let room = new SetRoom(entriesMax)
  for (const [index, pendingSeq] of pending.entries()) {
    const range = { after: pendingSeq - 1, upTo: pendingSeq, limit: 1, liveOnly: false }
    const row = source.changes(range)[0]
    if (row !== undefined && !room.take(row)) {
      yield { header, rows }
      rows = []
      room = new SetRoom(entriesMax)
      room.take(row)
    }
    if (row !== undefined) rows.push(row)
    if (index % PAGE_ROWS === PAGE_ROWS - 1) yield 'reading'
  }
  // What no entry stands for the target tries by itself, in any set.
  if (rows.length > 0 || pending.includes(0)) yield { header, rows }
}

/** What comes with attributes, and the names of those whom access lists name. */
function attachedBytes({ attributes, ownerNames }: SentState): number {
  const ofNames = (ownerNames?.listed ?? []).reduce((sum, { name }) => sum + name.length + 8, 0)
  return ofNames + (attributes === undefined ? 0 : attributeBytes(attributes))
}

/** What still fits into one set; once something did not, nothing does. */
class SetRoom {
  readonly #entriesMax: number
  #entries = 0
  #newEntries = 0
  #contentBytes = 0
  #entryBytes = 0
  #isFull = false

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  take(row: OutboundRow): boolean {
    const { path, from, state } = row.entry
    const entryBytes =
      ENTRY_HEAD_BYTES +
      path.length +
      (from?.length ?? 0) +
      (state?.linkTarget?.length ?? 0) +
      (state?.attributes === undefined ? 0 : attachedBytes(state))
    // The content of what was renamed is at the target already: a renamed folder stays in one set.
    const isNew = from === null && state !== null
    const contentBytes = from === null ? (state?.size ?? 0) : 0
    this.#isFull ||=
      this.#entries === this.#entriesMax ||
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
