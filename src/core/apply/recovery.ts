import type { ByteString } from '../base/byte-string.ts'
import type { FileState } from '../change/entry.ts'
import { type RelPath, ROOT, parent } from '../path/rel-path.ts'
import { leadingState } from './contest.ts'
import type { IndexRow } from './index-store.ts'
import type { MetadataWriter } from './metadata.ts'
import type { ApplyDependencies } from './options.ts'
import { clearStaging, displacedPath, displacedPaths } from './staging.ts'

const PAGE = 1000

type RecoveryDependencies = Pick<
  ApplyDependencies,
  'tree' | 'staging' | 'index' | 'siblings' | 'createHasher'
>

/**
 * Ends whatever a set left behind, after a crash or when it is dropped; safe at any time. Displaced content goes back to
 * the place that the index knows for it, or, where that is taken already, on to the one it was meant for. New content
 * is dropped, it is sent again; but large files that were broken off stay as far as they are kept.
 */
export function endStaging(
  deps: RecoveryDependencies,
  metadata: MetadataWriter,
  isKept: (name: ByteString) => boolean,
): void {
  const restored = placeDisplaced(deps)
  clearStaging(deps, isKept)
  for (const folder of new Set(restored.flatMap(foldersAbove)).add(ROOT)) {
    const state = leadingState(deps.siblings, folder, deps.index.get(folder)?.state ?? null)
    const disk = state?.type === 'directory' ? deps.tree.lstat(folder) : null
    if (state !== null && disk?.type === 'directory') metadata.apply(folder, state, disk)
  }
}

/** The folders above a path, the lowest first. */
function foldersAbove(path: RelPath): RelPath[] {
  const above = parent(path)
  return above === null ? [] : [above, ...foldersAbove(above)]
}

/** Gives the paths at which something was placed. */
function placeDisplaced(deps: RecoveryDependencies): RelPath[] {
  const displaced = new Map<RelPath, FileState>()
  for (const path of displacedPaths(deps)) {
    const disk = deps.tree.lstat(path)
    if (disk !== null) displaced.set(path, disk)
  }
  if (displaced.size === 0) return []
  const { inPlace, back } = waysBack(deps, displaced)
  // All back or all on: half a cycle of names each way would put two contents into one place.
  const isAllBack = back.size + inPlace.size === displaced.size
  const on = isAllBack ? new Map<RelPath, RelPath>() : waysOn(deps, displaced)
  const taken = new Set(on.values())
  const ways = new Map([...[...back].filter(([, to]) => !taken.has(to)), ...on])
  for (const [from, to] of ways) deps.tree.rename(from, to)
  return [...ways.values()]
}

/** Where displaced content lay before, if that is free, and what lies there still: nothing else had come yet. */
function waysBack(
  deps: RecoveryDependencies,
  displaced: ReadonlyMap<RelPath, FileState>,
): { readonly inPlace: ReadonlySet<RelPath>; readonly back: ReadonlyMap<RelPath, RelPath> } {
  const byInode = Map.groupBy(displaced, ([, { inode }]) => inode)
  const inPlace = new Set<RelPath>()
  const back = new Map<RelPath, RelPath>()
  for (const row of allRows(deps)) {
    const own = byInode.get(row.stat.inode)?.filter(([, disk]) => isOf(row, disk)) ?? []
    if (own.length === 0) continue
    if (deps.tree.lstat(row.path)?.inode === row.stat.inode)
      for (const [path] of own) inPlace.add(path)
    const from = own.find(([path]) => !back.has(path) && !inPlace.has(path))
    if (from !== undefined && isFree(deps, row.path)) back.set(from[0], row.path)
  }
  return { inPlace, back }
}

// The move changed ctime, and metadata may have been set since, so type and size must do beside the inode.
function isOf({ stat }: IndexRow, disk: FileState): boolean {
  return disk.inode === stat.inode && disk.type === stat.type && disk.size === stat.size
}

/** Where displaced content was on its way to. Every such path has a row or a claim. */
function waysOn(
  deps: RecoveryDependencies,
  displaced: ReadonlyMap<RelPath, FileState>,
): Map<RelPath, RelPath> {
  const ways = new Map<RelPath, RelPath>()
  for (const to of [...deps.index.claims(), ...allRows(deps).map(({ path }) => path)]) {
    const from = displacedPath(to, deps)
    if (displaced.has(from) && isOurs(deps, to)) ways.set(from, to)
  }
  return ways
}

/** Free, or taken by an older version that the set was to replace. */
function isOurs(deps: RecoveryDependencies, path: RelPath): boolean {
  const disk = deps.tree.lstat(path)
  if (disk === null) return isFree(deps, path)
  return disk.type !== 'directory' && deps.index.get(path) !== null
}

/** Nothing lies there, and its folder is there, made again where the set had removed it already. */
function isFree(deps: RecoveryDependencies, path: RelPath): boolean {
  const folder = parent(path)
  return folder !== null && deps.tree.lstat(path) === null && hasFolder(deps, folder)
}

function hasFolder(deps: RecoveryDependencies, folder: RelPath): boolean {
  const disk = deps.tree.lstat(folder)
  if (disk !== null) return disk.type === 'directory'
  const above = parent(folder)
  const row = deps.index.get(folder)
  if (above === null || row?.state.type !== 'directory' || !hasFolder(deps, above)) return false
  // What it had comes back at the end.
  deps.tree.makeDirectory(folder, 0o700)
  return true
}

function* allRows({ index }: RecoveryDependencies): Generator<IndexRow> {
  let after: RelPath | undefined
  while (true) {
    const page = index.below(ROOT, PAGE, after)
    yield* page
    after = page.at(-1)?.path
    if (page.length < PAGE) return
  }
}
