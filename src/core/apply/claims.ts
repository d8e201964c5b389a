import type { Entry } from '../change/entry.ts'
import { type RelPath, isBelow, parent } from '../path/rel-path.ts'
import type { Decision } from './decision.ts'
import type { FolderMove } from './index-view.ts'
import type { Work } from './work.ts'

/**
 * A set that places something at a path without a row claims the path first: should it never end, what lies there is
 * still known as this binding's.
 */
export function claimPlaces(work: Work, decisions: readonly Decision[]): void {
  const placed = decisions.filter(({ row, verdict }) => row === null && verdict.kind === 'place')
  const paths = placed.map(({ entry }) => entry.path)
  claim(work, [...paths, ...missingFolders(work, decisions.filter(isPlaced).map(pathOf))])
}

function isPlaced({ verdict }: Decision): boolean {
  return verdict.kind === 'place'
}

function pathOf({ entry }: Decision): RelPath {
  return entry.path
}

/** The same for what moves with its folder. */
export function claimMoves(
  work: Work,
  entries: readonly Entry[],
  moves: readonly FolderMove[],
): void {
  const isIn = (path: RelPath) => moves.some(({ to }) => path === to || isBelow(path, to))
  const arriving = entries.filter(({ state, path }) => state !== null && isIn(path))
  const unknown = arriving.map(({ path }) => path).filter((path) => work.view.get(path) === null)
  claim(work, [
    ...unknown,
    ...missingFolders(
      work,
      moves.map(({ to }) => to),
    ),
  ])
}

function claim(work: Work, paths: readonly RelPath[]): void {
  const known = work.deps.index.claims()
  const missing = [...new Set(paths)].filter((path) => !known.has(path))
  if (missing.length > 0) work.deps.index.claim(missing)
}

/** Folders above these paths that are neither here nor known: their own entries come later, or are in this set. */
function missingFolders(work: Work, paths: readonly RelPath[]): RelPath[] {
  const seen = new Set<RelPath>()
  for (const path of paths) {
    for (let above = parent(path); above !== null && !seen.has(above); above = parent(above))
      seen.add(above)
  }
  return [...seen].filter(
    (folder) => work.view.get(folder) === null && work.tree.lstat(folder) === null,
  )
}
