import type { RelPath } from '../path/rel-path.ts'
import type { ContentHash, FileState, WithheldOperation } from './entry.ts'
import type { KnownRoot } from './known-root.ts'
import type { JournalRow } from './row.ts'

/** What the journal of one source knows of itself. */
export interface JournalState {
  readonly epoch: string
  /** The last seq that was given to a row; 0 before the first. */
  readonly headSeq: number
  /** Seqs up to here were promised to the disk; after an unclean stop numbering goes on above. */
  readonly reservedSeq: number
  /** True from a clean stop until the next start. */
  readonly isClean: boolean
  /** Null until the root was seen for the first time. */
  readonly root: KnownRoot | null
  /** What makes the view: patterns and metadata options in one text, compared as a whole. */
  readonly view: string
  readonly viewRevision: number
  /** Live rows that are no folders, and the bytes of the files. */
  readonly fileCount: number
  readonly totalBytes: number
  /** Everything up to this time was journalled; null until the first scan of the epoch is done. */
  readonly completeAtMs: number | null
  /** Held rows up to this seq may go: a person said so. */
  readonly releasedSeq: number
}

/** What is held above a seq. */
export interface HeldRows {
  /** Files that are gone, and files that were emptied. */
  readonly deletes: number
  readonly updates: number
  /** Of their content, as it was. */
  readonly bytes: number
  /** Rows, folders included, and the lowest and highest seq of them. */
  readonly rowCount: number
  readonly firstSeq: number
  readonly lastSeq: number
  readonly sinceMs: number
}

/** A hash that someone found while reading a file that looked like this. */
export interface HashFinding {
  /** It counts for the file's other names as well, as far as they looked the same. */
  readonly forAllNames?: boolean
  readonly path: RelPath
  readonly seq: number
  readonly hash: ContentHash
  readonly fingerprint: Pick<FileState, 'size' | 'mtimeNs' | 'ctimeNs' | 'inode' | 'type'>
}

export interface SeqRange {
  readonly after: number
  readonly upTo: number
  readonly limit: number
  readonly liveOnly: boolean
}

/** A stretch of the rows below a folder. */
export interface RowPage {
  readonly folder: RelPath
  /** Rows beyond this path in the direction of reading; null from the beginning. */
  readonly beyond: RelPath | null
  readonly limit: number
  readonly direction: 'parentsFirst' | 'deepestFirst'
}

/**
 * Where the rows of one source are kept. Rows are in *tree order*: a folder comes before everything below it, and what
 * is below it before its next sibling (byte order of paths in which `/` is the lowest byte).
 */
export interface JournalStore {
  /** Null for a source without a journal. */
  state(): JournalState | null
  putState(state: JournalState): void
  get(path: RelPath): JournalRow | null
  put(row: JournalRow): void
  /** Makes a hash the trusted one of its row, where that has the seq still and its state the fingerprint. */
  keepHash(finding: HashFinding): void
  /** Live rows strictly below a folder, in tree order or its reverse. */
  liveBelow(page: RowPage): JournalRow[]
  /** Live rows with this inode number, those recorded first before others, at most `limit`. */
  liveByInode(inode: bigint, limit: number): JournalRow[]
  /** Rows with `after < seq <= upTo` in order of seq. */
  changes(range: SeqRange): JournalRow[]
  /** Counts rows that took content away since then and were not held. */
  lossesSince(atMs: number): number
  /** What is held above a seq; null for nothing. */
  heldAbove(seq: number): HeldRows | null
  /** Whether any row strictly below a folder is held or, where none is, kept. */
  withheldBelow(folder: RelPath): WithheldOperation | null
  /** Held rows with `after < seq <= upTo`, deepest first. */
  held(range: {
    readonly after: number
    readonly upTo: number
    readonly limit: number
  }): JournalRow[]
  /** Makes rows that are held above a seq ones that are kept. */
  keepHeld(after: number): void
  /** Drops all tombstones but those of what is withheld, or all rows. */
  drop(which: 'tombstones' | 'everything'): void
  /** All of the work or none; when it returns, it survives a power cut. Not nested. */
  durably<T>(work: () => T): T
  /** All of the work or none; a power cut may lose it. Not nested. */
  atomically<T>(work: () => T): T
}
