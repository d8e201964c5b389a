import { type RelPath, isBelow } from '../path/rel-path.ts'
import type { IndexRow, IndexStore } from './index-store.ts'

/** What another source of the policy has at a path of the same root. */
export interface SiblingRow {
  readonly bindingId: string
  /** The place of its source in the policy: the lower goes before. */
  readonly order: number
  readonly row: IndexRow
}

/** The bindings by which other sources of the policy come to the same root: a target holds the union of them all. */
export interface Siblings {
  /** The place of the binding's own source in the policy. */
  readonly order: number
  readonly conflict: 'newest' | 'sourceOrder'
  /** Whether there are none. */
  readonly isAlone: boolean
  /** Whether no other stands before it: what nobody has is told once. */
  readonly isFirst: boolean
  /** Rows of others at a path, in the order of their sources. */
  at(path: RelPath): readonly SiblingRow[]
  /** Tells whether others have anything strictly below a folder, or may have placed something there. */
  areBelow(folder: RelPath): boolean
  /** Tells whether a set of another that never ended may have placed something at a path. */
  haveClaimed(path: RelPath): boolean
}

/** Of a binding whose root is its own. */
export const NO_SIBLINGS: Siblings = {
  order: 0,
  conflict: 'newest',
  isAlone: true,
  isFirst: true,
  at: () => [],
  areBelow: () => false,
  haveClaimed: () => false,
}

/** Another binding of the same root. */
export interface Sibling {
  readonly bindingId: string
  readonly order: number
  readonly index: Pick<IndexStore, 'get' | 'below' | 'claims'>
}

/** Gives what others have by their indexes. */
export function siblingsOf(
  own: Pick<Siblings, 'order' | 'conflict'>,
  others: readonly Sibling[],
): Siblings {
  if (others.length === 0) return { ...NO_SIBLINGS, ...own }
  return {
    ...own,
    isAlone: false,
    isFirst: others.every(({ order }) => own.order < order),
    at: (path) =>
      others.flatMap(({ bindingId, order, index }) => {
        const row = index.get(path)
        return row === null ? [] : [{ bindingId, order, row }]
      }),
    areBelow: (folder) =>
      others.some(
        ({ index }) =>
          index.below(folder, 1).length > 0 ||
          [...index.claims()].some((claimed) => isBelow(claimed, folder)),
      ),
    haveClaimed: (path) => others.some(({ index }) => index.claims().has(path)),
  }
}

/** Tells whether others have anything at or below a path, or may have placed something there. */
export function areWithin(siblings: Siblings, path: RelPath): boolean {
  return siblings.at(path).length > 0 || siblings.haveClaimed(path) || siblings.areBelow(path)
}
