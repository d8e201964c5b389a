import type { ContentHash } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import { type Decision, type Placing, placings } from './decision.ts'
import { isUntouched } from './index-store.ts'

/**
 * Pairs what leaves its place in this set with what wants the same content: consumer → supplier. Each supplier is
 * moved to one consumer, the hinted one if it asks; a consumer without a supplier copies. What is prepared needs none,
 * and what further names are taken from stays.
 */
export function assignMoves(
  decisions: readonly Decision[],
  prepared: ReadonlyMap<RelPath, unknown>,
  bases: ReadonlySet<RelPath>,
): Map<RelPath, RelPath> {
  const consumers = placings(decisions).filter(
    ({ entry, verdict }) => verdict.content.kind === 'local' && !prepared.has(entry.path),
  )
  const suppliers = decisions.filter(({ entry }) => !bases.has(entry.path))
  const free = leavingByHash(suppliers, new Set(consumers.map(wantedHash)))
  const moves = new Map<RelPath, RelPath>()
  for (const consumer of consumers) {
    const { path, from } = consumer.entry
    if (from !== null && free.get(wantedHash(consumer))?.delete(from)) moves.set(path, from)
  }
  for (const consumer of consumers) {
    const supplying = free.get(wantedHash(consumer))
    const [supplier] = supplying ?? []
    if (supplier === undefined || moves.has(consumer.entry.path)) continue
    supplying?.delete(supplier)
    moves.set(consumer.entry.path, supplier)
  }
  return moves
}

function wantedHash({ verdict }: Placing): ContentHash | null {
  return verdict.content.kind === 'local' ? verdict.content.hash : null
}

function leavingByHash(
  decisions: readonly Decision[],
  wanted: ReadonlySet<ContentHash | null>,
): Map<ContentHash | null, Set<RelPath>> {
  const leaving = new Map<ContentHash | null, Set<RelPath>>()
  for (const decision of decisions) {
    const hash = decision.row?.state.hash ?? null
    if (hash === null || !wanted.has(hash) || !isLeaving(decision)) continue
    const paths = leaving.get(hash) ?? new Set()
    leaving.set(hash, paths.add(decision.entry.path))
  }
  return leaving
}

/** An untouched file whose place is emptied or gets something else, and which is nowhere else. */
function isLeaving({ row, verdict }: Decision): boolean {
  if (verdict.kind !== 'remove' && verdict.kind !== 'place') return false
  if (row === null || !isUntouched(row, verdict.disk)) return false
  return row.state.fileKey === undefined || verdict.disk.linkCount === 1
}
