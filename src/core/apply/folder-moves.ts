import type { Entry, SentState } from '../change/entry.ts'
import { type RelPath, child, isBelow, rebase } from '../path/rel-path.ts'
import { type IndexRow, type IndexStore, isUntouched } from './index-store.ts'
import type { FolderMove } from './index-view.ts'
import { type Siblings, areWithin } from './siblings.ts'
import type { TargetTree } from './target-tree.ts'

/** A subtree beyond this is not proved and moved whole, but file by file. */
const ROWS_MAX = 8192

interface MoveDependencies {
  readonly tree: TargetTree
  readonly index: Pick<IndexStore, 'get' | 'below'>
  readonly siblings: Siblings
}

/**
 * Finds the folders that may move in one call. Proof is demanded from the index, never from the hint alone: everything
 * on the disk below the old folder is exactly what the index has there, untouched, all of it leaves in this set, and
 * the set wants the same below the new folder, where nothing lies yet.
 */
export function findFolderMoves(deps: MoveDependencies, entries: readonly Entry[]): FolderMove[] {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]))
  const moves: FolderMove[] = []
  for (const entry of entries.toSorted(shallowFirst)) {
    const move = candidate(entry)
    if (move === null || moves.some((other) => overlaps(move, other))) continue
    if (isProved(deps, byPath, move)) moves.push(move)
  }
  return moves
}

function shallowFirst(one: Entry, other: Entry): number {
  return one.path < other.path ? -1 : 1
}

function candidate({ path, from, state }: Entry): FolderMove | null {
  if (state?.type !== 'directory' || from === null || from === path) return null
  if (from === '' || isBelow(path, from) || isBelow(from, path)) return null
  return { from, to: path }
}

function overlaps(one: FolderMove, other: FolderMove): boolean {
  const paths = [other.from, other.to]
  return paths.some((path) => touches(one.from, path) || touches(one.to, path))
}

function touches(one: RelPath, other: RelPath): boolean {
  return one === other || isBelow(one, other) || isBelow(other, one)
}

function isProved(
  deps: MoveDependencies,
  entries: ReadonlyMap<RelPath, Entry>,
  move: FolderMove,
): boolean {
  const folder = deps.index.get(move.from)
  if (folder === null || deps.tree.lstat(move.to) !== null) return false
  if (!isUntouched(folder, deps.tree.lstat(move.from))) return false
  if (areWithin(deps.siblings, move.from) || areWithin(deps.siblings, move.to)) return false
  const rows = [folder, ...deps.index.below(move.from, ROWS_MAX)]
  if (rows.length > ROWS_MAX || !rows.every((row) => isCarried(entries, move, row))) return false
  return isExactly(deps.tree, move.from, new Map(rows.map((row) => [row.path, row])))
}

/** The row's own path goes in this set, and the set wants the same content at the new one. */
function isCarried(entries: ReadonlyMap<RelPath, Entry>, move: FolderMove, row: IndexRow): boolean {
  const left = entries.get(row.path)
  const wanted = entries.get(rebase(row.path, move.from, move.to))?.state
  const leaves = left !== undefined && left.operation === 'delete'
  return leaves && wanted !== undefined && wanted !== null && isSameContent(row.state, wanted)
}

function isSameContent(one: SentState, other: SentState): boolean {
  return (
    one.type === other.type &&
    one.size === other.size &&
    one.hash === other.hash &&
    one.linkTarget === other.linkTarget
  )
}

/** Compares the disk below a folder with the rows: nothing more, nothing less, nothing touched. */
function isExactly(
  tree: TargetTree,
  folder: RelPath,
  rows: ReadonlyMap<RelPath, IndexRow>,
): boolean {
  let seen = 1
  const walk = (path: RelPath): boolean =>
    (tree.list(path) ?? []).every((name) => {
      const row = rows.get(child(path, name))
      if (row === undefined || !isUntouched(row, tree.lstat(row.path))) return false
      seen++
      return row.state.type !== 'directory' || walk(row.path)
    })
  return walk(folder) && seen === rows.size
}
