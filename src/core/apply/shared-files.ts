import type { RelPath } from '../path/rel-path.ts'
import type { Decision } from './decision.ts'
import { type IndexRow, type SharedFile, isUntouched } from './index-store.ts'
import type { Work } from './work.ts'

/**
 * Finds out how the files look now of which the set touched one name or more: their ctime has moved under all names, also
 * those that the set is not about. What somebody else changed before is left as it is known.
 */
export function followShared(work: Work, decisions: readonly Decision[]): void {
  const { ledger, tree } = work
  for (const path of ledger.several) {
    const disk = tree.lstat(path)
    if (disk !== null) ledger.seenAgain(path, disk)
  }
  const places = new Map(ledger.shared)
  for (const { row, count } of touchedNames(decisions).values()) {
    const { fileKey } = row.state
    const { inode } = row.stat
    const path = places.has(inode) ? null : remainingName(work, row, count)
    if (path !== null && fileKey !== undefined) places.set(inode, { path, fileKey })
  }
  const files: SharedFile[] = []
  for (const [inode, { path, fileKey }] of places) {
    const disk = tree.lstat(path)
    if (disk?.inode === inode) files.push({ inode, fileKey, ctimeNs: disk.ctimeNs })
  }
  ledger.sharedFiles = files
}

interface Touched {
  readonly row: IndexRow
  /** How many names of it the set is about. */
  count: number
}

/** By inode, files with several names that were as the index knows them when the set came. */
function touchedNames(decisions: readonly Decision[]): ReadonlyMap<bigint, Touched> {
  const touched = new Map<bigint, Touched>()
  for (const { row, verdict } of decisions) {
    if (row?.state.fileKey === undefined || !('disk' in verdict)) continue
    const { disk } = verdict
    if (!isUntouched(row, disk) || disk.linkCount === 1) continue
    const known = touched.get(disk.inode)
    if (known === undefined) touched.set(disk.inode, { row, count: 1 })
    else known.count++
  }
  return touched
}

/** A path of the same file that this set does not know of. */
function remainingName({ view, ledger }: Work, row: IndexRow, count: number): RelPath | null {
  const { fileKey } = row.state
  if (fileKey === undefined) return null
  const rows = view.namesOn(row.stat.inode, fileKey, count + 1)
  const isOther = ({ path }: IndexRow) => !ledger.puts.has(path) && !ledger.removes.has(path)
  return rows.find(isOther)?.path ?? null
}
