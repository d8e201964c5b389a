import type { Entry, Position } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { OtherChange } from './conflicts.ts'
import type { SetHeader, SetOutcome, TargetPosition } from './inbound.ts'
import type { IndexStore, StoredPending } from './index-store.ts'
import type { Work } from './work.ts'

interface CommitContext {
  readonly header: SetHeader
  readonly list: number
}

/** Makes what the disk already holds durable in the index, in one transaction, and tells the outcome. */
export function commitSet(
  work: Work,
  { header, list }: CommitContext,
  entries: {
    readonly newer: readonly Entry[]
    readonly sent: readonly Entry[]
    readonly others: readonly OtherChange[]
  },
): SetOutcome {
  const { ledger, deps } = work
  keepNamedRows(work, entries.newer)
  const isLast = header.kind === 'full' && header.last
  deps.index.commit({
    puts: [...ledger.puts.values()],
    removes: [...ledger.removes].filter((path) => !ledger.puts.has(path)),
    pendingPuts: changedPending(work),
    pendingRemoves: settledPending(work, isLast),
    watermark: nextWatermark(header, deps.index.watermark()),
    list,
    claims: remainingClaims(work),
    renoted: renoted(work),
    notes: [...ledger.notes.values()].flat(),
    shared: ledger.sharedFiles,
    others: entries.others,
  })
  return {
    position: positionOf(deps.index),
    appliedCount: entries.sent.filter(({ path }) => !ledger.failed.has(path)).length,
    failed: [...ledger.failed.values()],
    others: [...new Set(entries.others.map(({ bindingId }) => bindingId))],
  }
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

function changedPending({ ledger, deps }: Work): StoredPending[] {
  const known = new Map(deps.index.pending().map((one) => [one.path, one]))
  return [...ledger.failed.values()].filter((one) => !isSame(one, known.get(one.path)))
}

function isSame(one: StoredPending, other: StoredPending | undefined): boolean {
  return (
    other !== undefined &&
    one.seq === other.seq &&
    one.code === other.code &&
    one.message === other.message &&
    one.list === other.list
  )
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
    if (ledger.puts.has(path) || ledger.removes.has(path)) yield path
}

/** The position as an index has it. */
export function positionOf(index: IndexStore): TargetPosition {
  return { watermark: index.watermark(), pending: index.pending(), notes: index.notes() }
}
