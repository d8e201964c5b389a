import type { SentState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { SiblingRow, Siblings } from './siblings.ts'

/**
 * How what a source wants at a path stands to what others have there. `leads`: nobody goes before it. `agrees`: somebody
 * does, and wants the same content. `yields`: somebody does, and wants another.
 */
export type Standing = 'leads' | 'agrees' | 'yields'

/** Says who goes before whom at a path. Every target comes to the same, in whatever order it hears of them. */
export function standingOf(
  { order, conflict }: Pick<Siblings, 'order' | 'conflict'>,
  state: SentState,
  others: readonly SiblingRow[],
): Standing {
  const first = leaderOf(conflict, others)
  if (first === null || goesBefore(conflict, { order, state }, contestant(first))) return 'leads'
  return isAlike(state, first.row.state) ? 'agrees' : 'yields'
}

/** The one whose version is to lie at a path; null where there is none. */
export function leaderOf(
  conflict: Siblings['conflict'],
  others: readonly SiblingRow[],
): SiblingRow | null {
  let first: SiblingRow | null = null
  for (const one of others)
    if (first === null || goesBefore(conflict, contestant(one), contestant(first))) first = one
  return first
}

/** What is to lie at a path: what a source wants there, unless another goes before it. */
export function leadingState(
  siblings: Siblings,
  path: RelPath,
  state: SentState | null,
): SentState | null {
  const others = siblings.at(path)
  if (state !== null && standingOf(siblings, state, others) === 'leads') return state
  return leaderOf(siblings.conflict, others)?.row.state ?? null
}

/** Tells whether two want the same at a path, whatever its times and rights are. */
export function isAlike(one: SentState, other: SentState): boolean {
  if (one.type !== other.type || one.linkTarget !== other.linkTarget) return false
  return (
    one.type !== 'file' || (one.size === other.size && one.hash !== null && one.hash === other.hash)
  )
}

interface Contestant {
  readonly order: number
  readonly state: SentState
}

function contestant({ order, row }: SiblingRow): Contestant {
  return { order, state: row.state }
}

/** A folder goes before all else, since whatever others have in it needs it. */
function goesBefore(conflict: Siblings['conflict'], one: Contestant, other: Contestant): boolean {
  const isFolder = one.state.type === 'directory'
  if (isFolder !== (other.state.type === 'directory')) return isFolder
  const isTimed = conflict === 'newest' && one.state.mtimeNs !== other.state.mtimeNs
  return isTimed ? one.state.mtimeNs > other.state.mtimeNs : one.order < other.order
}
