import { type RelPath, parent } from '../path/rel-path.ts'
import type { EntryOperation, FileState } from './entry.ts'
import type { JournalStore } from './journal-store.ts'
import { type JournalRow, isSameObject } from './row.ts'

/** Looks at a path on the disk: what is there, `null` for nothing, `unreadable` where nobody can tell. */
export type LookAt = (path: RelPath) => FileState | null | 'unreadable'

/** Rows with one inode number looked at in search of the old path: hard links share it, and a file may have many. */
const CANDIDATES_MAX = 16

/**
 * The row of another path of what was seen. `gone`: it came from there, where nothing lies now; `replaced`: where
 * something else lies now; `other`: it lies there as well.
 */
export interface OtherPath {
  readonly row: JournalRow
  readonly kind: 'gone' | 'replaced' | 'other'
}

/**
 * Finds the row from whose path a file or folder came that was seen at a new path: same inode and time of birth, and no
 * longer at the old path; else one of its other names. Null where it is new, or where the disk cannot tell.
 */
export function findOtherPath(
  seen: { readonly path: RelPath; readonly state: FileState },
  store: JournalStore,
  lookAt: LookAt,
): OtherPath | null {
  let other: OtherPath | null = null
  for (const row of store.liveByInode(seen.state.inode, CANDIDATES_MAX)) {
    if (row.path === seen.path || row.state === null) continue
    if (!isSameObject(row.state, seen.state)) continue
    const there = lookAt(row.path)
    if (there === 'unreadable') continue
    if (there === null) return { row, kind: 'gone' }
    if (!isSameObject(there, seen.state)) return { row, kind: 'replaced' }
    other ??= { row, kind: 'other' }
  }
  return other
}

/** `rename` within a folder, `move` to another. */
export function renameOperation(from: RelPath, to: RelPath): EntryOperation {
  return parent(from) === parent(to) ? 'rename' : 'move'
}
