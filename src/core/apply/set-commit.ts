import { type Entry, type Position, isAbsent } from '../change/entry.ts'
import { type RelPath, parent } from '../path/rel-path.ts'
import type { OtherChange } from './conflicts.ts'
import type { SetHeader, SetOutcome } from './inbound.ts'
import { type Absence, type Held, type StoredPending, isUntouched } from './index-store.ts'
import { type Standing, heldByPath, isDue } from './standing.ts'
import type { Work } from './work.ts'

interface CommitContext {
  readonly header: SetHeader
  readonly list: number
  readonly standing: Standing
}

/** Makes what the disk already holds durable in the index, in one transaction, and tells the outcome. */
export function commitSet(
  work: Work,
  { header, list, standing }: CommitContext,
  entries: {
    readonly newer: readonly Entry[]
    readonly sent: readonly Entry[]
    readonly others: readonly OtherChange[]
  },
): SetOutcome {
  const { ledger, deps } = work
  keepNamedRows(work, entries.newer)
  const failed = failedPending(work)
  const isLast = header.kind === 'full' && header.last
  deps.index.commit({
    puts: [...ledger.puts.values()],
    removes: [...ledger.removes].filter((path) => !ledger.puts.has(path)),
    pendingPuts: changedPending(work, failed),
    pendingRemoves: settledPending(work, isLast),
    watermark: nextWatermark(header, deps.index.watermark()),
    list,
    listed: nextListed(header, deps.index.listed()),
    claims: remainingClaims(work),
    renoted: renoted(work),
    notes: [...ledger.notes.values()].flat(),
    shared: ledger.sharedFiles,
    absences: entries.newer.flatMap((entry) => absenceOf(header, entry)),
    others: entries.others,
  })
  return {
    position: standing.position(),
    appliedCount: entries.sent.filter(({ path }) => !ledger.failed.has(path)).length,
    failed: failed.filter((one) => isDue(deps.options, one)),
    others: [...new Set(entries.others.map(({ bindingId }) => bindingId))],
  }
}

function absenceOf({ epoch }: SetHeader, { path, seq, operation, state }: Entry): Absence[] {
  return state === null && isAbsent(operation) ? [{ path, epoch, seq, operation }] : []
}

/** What failed or comes again was named all the same: the end of the list must not take its row for one left over. */
function keepNamedRows({ ledger, deps }: Work, newer: readonly Entry[]): void {
  for (const { path } of newer) {
    const row = ledger.puts.has(path) || ledger.removes.has(path) ? null : deps.index.get(path)
    if (row !== null) ledger.kept(row)
  }
}

function nextWatermark(header: SetHeader, now: Position | null): Position | null {
  if (header.kind === 'retry' || !header.last) return null
  if (header.kind === 'incremental' && now !== null && now.seq >= header.to) return null
  return { epoch: header.epoch, seq: header.to }
}

/** Of several lists that did not end, what the first of them named may have left the longest ago. */
function nextListed({ epoch, kind, last, jobTo }: SetHeader, now: Position | null) {
  if (kind !== 'full') return now
  if (last) return null
  return now?.epoch === epoch && now.seq <= jobTo ? now : { epoch, seq: jobTo }
}

function changedPending({ deps }: Work, failed: readonly StoredPending[]): StoredPending[] {
  const known = new Map(deps.index.pending().map((one) => [one.path, one]))
  return failed.filter((one) => !isSame(one, known.get(one.path)))
}

/** What failed or is held, with the word that a person may have said of it before, or while the set ran. */
function failedPending(work: Work): StoredPending[] {
  const known = heldByPath(work.deps.index)
  return [...work.ledger.failed.values()].map((one) => {
    return { ...one, held: heldNow(work, one, known) }
  })
}

function heldNow(work: Work, one: StoredPending, known: Known): Held | null {
  const before = known.get(one.path)?.held ?? null
  // What was released and cannot go yet needs no second word.
  if (one.held === null)
    return heldAbove(work, one, known) ?? (before?.answer === 'release' ? before : null)
  if (before === null) return one.held
  const isShown = before.disk !== null && isSameDisk(before.disk, one.held.disk)
  const answer = before.answer === 'keep' || isShown ? before.answer : null
  return { ...one.held, sinceMs: before.sinceMs, answer }
}

/** What was to lie in a folder waits with that, where something else lies there and is held. */
function heldAbove({ ledger }: Work, one: StoredPending, known: Known): Held | null {
  if (one.code !== 'EXTRA_IN_THE_WAY') return null
  for (let above = parent(one.path); above !== null; above = parent(above)) {
    const answered = known.get(above)?.held ?? null
    const held = ledger.failed.get(above)?.held ?? answered
    if (held !== null) return { ...held, disk: null, answer: answered?.answer ?? null }
  }
  return null
}

type Known = ReadonlyMap<RelPath, StoredPending>

function isSame(one: StoredPending, other: StoredPending | undefined): boolean {
  return (
    other !== undefined &&
    one.seq === other.seq &&
    one.code === other.code &&
    one.message === other.message &&
    one.list === other.list &&
    isSameHeld(one.held, other.held)
  )
}

function isSameHeld(one: Held | null, other: Held | null): boolean {
  if (one === null || other === null) return one === other
  return one.answer === other.answer && isSameDisk(one.disk, other.disk)
}

function isSameDisk(one: Held['disk'], other: Held['disk']): boolean {
  if (one === null || other === null) return one === other
  return isUntouched({ stat: one }, other)
}

/** At the end of a full list, what is pending from before it has no entry at the source any more. */
function settledPending({ ledger, deps }: Work, isLast: boolean): RelPath[] {
  return deps.index
    .pending()
    .filter(({ path }) => !ledger.failed.has(path))
    .filter(({ path, list }) => ledger.settled.has(path) || (isLast && list < ledger.list))
    .map(({ path }) => path)
}

/** Claims live until the index knows better; null where there is nothing to change. */
function remainingClaims({ ledger, deps, priorClaims }: Work): RelPath[] | null {
  const claims = deps.index.claims()
  if (claims.size === 0) return null
  return [...claims]
    .filter((path) => !ledger.puts.has(path) && !ledger.removes.has(path))
    .filter((path) => ledger.unsure.has(path) || priorClaims.has(path))
}

/** Lazy, because most indexes have no note that could go. What was passed over or only named again keeps its notes. */
function* renoted({ ledger }: Work): Generator<RelPath> {
  for (const path of ledger.settled)
    if (!ledger.passed.has(path) && (ledger.puts.has(path) || ledger.removes.has(path))) yield path
}
