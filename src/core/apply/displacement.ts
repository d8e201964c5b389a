import type { ContentHash } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import { type Decision, type Placing, placings } from './decision.ts'
import { isUntouched } from './index-store.ts'

/**
 * Pairs what leaves its place in this set with what wants the same content: consumer → supplier. Each supplier is
 * moved to one consumer, the hinted one if it asks; a consumer without a supplier copies. What is prepared needs none.
 */
export function assignMoves(
  decisions: readonly Decision[],
  prepared: ReadonlyMap<RelPath, unknown>,
): Map<RelPath, RelPath> {
  const consumers = placings(decisions).filter(
    ({ entry, verdict }) => verdict.content.kind === 'local' && !prepared.has(entry.path),
  )
  const free = leavingByHash(decisions, new Set(consumers.map(wantedHash)))
  const moves = new Map<RelPath, RelPath>()
  for (const consumer of consumers) {
    const { path, from } = consumer.entry
    if (from !== null && free.get(wantedHash(consumer))?.delete(from)) moves.set(path, from)
  }
  for (const consumer of consumers) {
    const suppliers = free.get(wantedHash(consumer))
    const [supplier] = suppliers ?? []
    if (supplier === undefined || moves.has(consumer.entry.path)) continue
    suppliers?.delete(supplier)
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

/** An untouched file whose place is emptied or gets something else. */
function isLeaving({ row, verdict }: Decision): boolean {
  if (verdict.kind !== 'remove' && verdict.kind !== 'place') return false
  return row !== null && isUntouched(row, verdict.disk)
}
