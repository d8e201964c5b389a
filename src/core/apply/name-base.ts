import type { Working } from '../base/working.ts'
import type { ContentHash, FileState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import { standingOf } from './contest.ts'
import { type Placing, type Settling, isSettling } from './decision.ts'
import { type IndexRow, isUntouched } from './index-store.ts'
import type { Places } from './name-places.ts'
import { EMPTY_HASH } from './survey.ts'
import type { Work } from './work.ts'

/** Rows of other names looked at in search of one that holds the content. */
const CANDIDATES_MAX = 16

/** A decision that brings a file to its path, or finds it there. */
export type Naming = Placing | Settling

/** Where the file lies that all names are to be of. */
export interface Base {
  readonly path: RelPath
  readonly inode: bigint
}

/** Names of one version of one file. */
export interface Group {
  readonly names: readonly Naming[]
  readonly places: Places
  /** All that this set is about, and those of them where what lies there does not stay. */
  readonly paths: ReadonlySet<RelPath>
  readonly leaving: ReadonlySet<RelPath>
}

/** Finds the file that all names of a version are to be of; null where it is yet to be placed. */
export function* findBase(
  work: Work,
  { names, places, paths, leaving }: Group,
): Working<Base | null> {
  const [first] = names
  const key = first?.entry.state.fileKey
  const hash = first === undefined ? null : hashOf(first)
  if (key === undefined || hash === null) return null
  // Of the rows it finds, as many may be of the names of this set.
  const found = work.view.namesOf(key, hash, names.length + CANDIDATES_MAX)
  const rows = found.filter((row) => isItsOwn(work, row))
  const others = rows.filter(({ path }) => !paths.has(path)).slice(0, CANDIDATES_MAX)
  const settled = names.filter(isSettling).filter((one) => !places.isOfOther(one))
  return (
    untouched(work, others) ??
    sameFile(work, others, settled) ??
    (yield* equal(work, others, hash)) ??
    placeOf(settled.find((one) => places.mayStay(one))) ??
    untouched(
      work,
      rows.filter(({ path }) => leaving.has(path)),
    )
  )
}

/** Where another source goes before, the file that lies there has what that one wants. */
function isItsOwn({ deps }: Work, { path, state }: IndexRow): boolean {
  return standingOf(deps.siblings, state, deps.siblings.at(path)) === 'leads'
}

function untouched({ tree }: Work, rows: readonly IndexRow[]): Base | null {
  for (const row of rows) {
    const disk = tree.lstat(row.path)
    if (isUntouched(row, disk)) return { path: row.path, inode: disk.inode }
  }
  return null
}

/** A crash may have left a name in place and moved the ctime of the others: they are of one file all the same. */
function sameFile(
  { tree }: Work,
  others: readonly IndexRow[],
  settled: readonly Settling[],
): Base | null {
  const isThere = ({ inode }: FileState) =>
    others.some(({ path, stat }) => stat.inode === inode && tree.lstat(path)?.inode === inode)
  return placeOf(settled.find(({ verdict }) => isThere(verdict.disk)))
}

/** By content, what nobody can tell from the stat any more; each file is read once, whatever its names. */
function* equal(
  { tree, local }: Work,
  others: readonly IndexRow[],
  hash: ContentHash,
): Working<Base | null> {
  const known = new Set<bigint>()
  for (const { path, state, stat } of others) {
    const disk = tree.lstat(path)
    if (disk?.type !== 'file' || disk.size !== state.size || known.has(disk.inode)) continue
    known.add(disk.inode)
    // Somebody made it a name of something else.
    if (disk.linkCount > 1 && disk.inode !== stat.inode) continue
    yield* local.read(path)
    if (local.isEqual(path, disk, hash)) return { path, inode: disk.inode }
  }
  return null
}

function placeOf(one: Settling | undefined): Base | null {
  return one === undefined ? null : { path: one.entry.path, inode: one.verdict.disk.inode }
}

export function hashOf({ entry }: Naming): ContentHash | null {
  return entry.state.size === 0 ? EMPTY_HASH : entry.state.hash
}
