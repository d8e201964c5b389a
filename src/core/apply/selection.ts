import { AppError } from '../base/errors.ts'
import type { Entry, Position } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { SetHeader } from './inbound.ts'
import type { IndexRow, IndexStore } from './index-store.ts'

export interface Selection {
  /** What is newer than what the index has, one entry per path, in order of seq. */
  readonly newer: readonly Entry[]
  /** Rows of what the set names and the index already has so. */
  readonly known: readonly IndexRow[]
}

/** Parts what a set brings from what was applied before; late and doubled sets bring nothing. */
export function selectEntries(
  index: Pick<IndexStore, 'get' | 'pending' | 'watermark'>,
  header: SetHeader,
  entries: readonly Entry[],
): Selection {
  const pending = new Map(index.pending().map(({ path, seq }) => [path, seq]))
  const newest = new Map(entries.map((entry) => [entry.path, entry]))
  const newer: Entry[] = []
  const known: IndexRow[] = []
  for (const entry of newest.values()) {
    const row = index.get(entry.path)
    if (row !== null && row.epoch === header.epoch && row.seq >= entry.seq) known.push(row)
    else if (header.kind === 'full' || isDue(entry, index.watermark(), pending)) newer.push(entry)
  }
  return { newer, known }
}

/** At or below the watermark only what is pending is still due: the rest may have been deleted since. */
function isDue(
  entry: Entry,
  watermark: Position | null,
  pending: ReadonlyMap<RelPath, number>,
): boolean {
  if (watermark === null || entry.seq > watermark.seq) return true
  const pendingSeq = pending.get(entry.path)
  return pendingSeq !== undefined && pendingSeq <= entry.seq
}

/** Refuses with PROTOCOL a set that does not follow on what was applied. */
export function checkHeader(header: SetHeader, watermark: Position | null, resumeAt: number): void {
  const isSameEpoch = watermark !== null && watermark.epoch === header.epoch
  const follows =
    header.kind === 'full'
      ? header.from === 0 || header.from === resumeAt
      : isSameEpoch && header.from <= watermark.seq
  if (follows && header.from <= header.to) return
  const at = watermark === null ? 'nothing' : `${watermark.epoch}/${watermark.seq}`
  throw new AppError(
    'PROTOCOL',
    `cannot begin ${header.kind} set ${header.epoch}/${header.from}–${header.to}: ${at} was applied`,
  )
}
