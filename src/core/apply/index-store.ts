import type {
  AbsentOperation,
  ContentHash,
  FileKey,
  FileState,
  Position,
  SentState,
} from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { OtherChange } from './conflicts.ts'
import type { PendingEntry } from './inbound.ts'
import type { NotedPath, TargetNotes } from './notes.ts'
import type { FileFingerprint } from './outbound.ts'

/**
 * What a target knows of one path of one binding: the version that was applied, and how the disk looked right after.
 * The index says whose a path is: only what has a row here is ever deleted or overwritten without a person's word.
 */
export interface IndexRow {
  readonly path: RelPath
  readonly epoch: string
  readonly seq: number
  /** The full list that named this path last; a row of an older list is no longer at the source. */
  readonly list: number
  /** As sent; `hash` is set for every file. */
  readonly state: SentState
  readonly stat: FileFingerprint
  /** Where the file has, or had, several names here: the ctime that the last work on any of them left. */
  readonly sharedCtimeNs?: bigint | undefined
}

/** A file with several names here, as the last of the work on them left it. */
export interface SharedFile {
  readonly inode: bigint
  /** Which of the source it is. */
  readonly fileKey: FileKey
  readonly ctimeNs: bigint
}

/** What a person says of what is held: it may go, or it stays for good. */
export type HoldDecision = 'release' | 'keep'

/** What does not go without a person's word, and that word. */
export interface Held {
  /** How what would go looks. Null where nothing does, and the path only waits for a folder above it that is held. */
  readonly disk: FileFingerprint | null
  /** Since when it is held, in ms since 1970. */
  readonly sinceMs: number
  /** Null until a person has said it. */
  readonly answer: HoldDecision | null
}

/** A pending entry with what a later set needs to try it again by itself. */
export interface StoredPending extends PendingEntry {
  /** True where what failed is a deletion: the target can try it again without the source. */
  readonly isDeletion: boolean
  readonly list: number
  /** Null where nothing but a cause stands in the way. */
  readonly held: Held | null
}

/** A path of which the source said that it is not there, or is to stay as it is, and by which change. */
export interface Absence {
  readonly path: RelPath
  readonly epoch: string
  readonly seq: number
  readonly operation: AbsentOperation
}

/** What one set changes in the index, all or nothing. */
export interface IndexBatch {
  readonly puts: readonly IndexRow[]
  readonly removes: readonly RelPath[]
  readonly pendingPuts: readonly StoredPending[]
  readonly pendingRemoves: readonly RelPath[]
  /** Null leaves the watermark where it is. */
  readonly watermark: Position | null
  readonly list: number
  /** See `IndexStore.listed`. */
  readonly listed: Position | null
  /** The claims that remain; null leaves them as they are. */
  readonly claims: readonly RelPath[] | null
  /** Paths of which another version was applied, or nothing is left: what was noted of them goes. */
  readonly renoted: Iterable<RelPath>
  readonly notes: readonly NotedPath[]
  /** What happened to one name of these showed in the ctime of all, in rows that are not put as well. */
  readonly shared: readonly SharedFile[]
  /** What the source said is not there or withheld, whether anything is here of it or not. */
  readonly absences: readonly Absence[]
  /** What the set means for other bindings of the same root. */
  readonly others: readonly OtherChange[]
}

const NO_CHANGE: Omit<IndexBatch, 'list' | 'listed'> = {
  puts: [],
  removes: [],
  pendingPuts: [],
  pendingRemoves: [],
  watermark: null,
  claims: null,
  renoted: [],
  notes: [],
  shared: [],
  absences: [],
  others: [],
}

/** A batch that leaves an index as it is, to be completed. */
export function noChange(index: Pick<IndexStore, 'list' | 'listed'>): IndexBatch {
  return { ...NO_CHANGE, list: index.list(), listed: index.listed() }
}

/** The durable memory of one binding. All calls are synchronous; failures throw AppError (IO_ERROR). */
export interface IndexStore {
  /** Runs many reads as one, which is much cheaper than each by itself. Nothing is written in it; not nested. */
  reading<T>(work: () => T): T
  watermark(): Position | null
  /** The number of the last full list that was begun; 0 before the first. */
  list(): number
  /** Where the source was when the full list of its epoch began that has not ended; null where none is open. */
  listed(): Position | null
  /** In order of seq, then path. */
  pending(): readonly StoredPending[]
  /** What paths hold less of than was sent. */
  notes(): TargetNotes
  /** Paths at which another source's version lies. */
  conflicts(): RelPath[]
  get(path: RelPath): IndexRow | null
  /** Rows of files with this content, at most `limit`. */
  findByHash(hash: ContentHash, limit: number): IndexRow[]
  /** Rows of paths that name this file of the source, in the version with this content; at most `limit`. */
  namesOf(file: FileKey, hash: ContentHash, limit: number): IndexRow[]
  /** Rows of paths that name this file of the source and were on this inode here, at most `limit`. */
  namesOn(inode: bigint, file: FileKey, limit: number): IndexRow[]
  /** The file of the source of which names are on an inode that has, or had, several; null where none is known to be. */
  fileOn(inode: bigint): FileKey | null
  /** Rows strictly below a folder in order of path; at most `limit`, beginning after `after` where it is given. */
  below(folder: RelPath, limit: number, after?: RelPath): IndexRow[]
  /** Rows that no full list since `list` named, in order of path, beginning after `after`. */
  olderThan(list: number, limit: number, after?: RelPath): IndexRow[]
  /**
   * Paths without a row at which a set that never ended may have placed something: what lies there is ours as well.
   */
  claims(): ReadonlySet<RelPath>
  /** Adds claims; they survive a power cut once this returns. */
  claim(paths: readonly RelPath[]): void
  /** Applies a batch in one transaction that survives a power cut once this returns. */
  commit(batch: IndexBatch): void
}

/** Gives what identifies a version of a file on this disk. */
export function fingerprintOf(state: FileState): FileFingerprint {
  const { type, size, mtimeNs, ctimeNs, inode, device } = state
  return { type, size, mtimeNs, ctimeNs, inode, device }
}

/**
 * Tells whether the disk still holds what was applied. A folder counts by its inode alone, since its times move with
 * what is in it; the device is left out, since its number may change with every mount.
 */
export function isUntouched<Disk extends FileFingerprint>(
  row: Pick<IndexRow, 'stat' | 'sharedCtimeNs'>,
  disk: Disk | null,
): disk is Disk {
  if (disk === null || disk.type !== row.stat.type || disk.inode !== row.stat.inode) return false
  if (disk.type === 'directory') return true
  return (
    disk.size === row.stat.size &&
    disk.mtimeNs === row.stat.mtimeNs &&
    (disk.ctimeNs === row.stat.ctimeNs || disk.ctimeNs === row.sharedCtimeNs)
  )
}
