import type { ContentHash, Entry, FileState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { ReadTree } from './target-tree.ts'

/** What a file must still look like for its journal row, and a hash kept for it, to be true. */
export type FileFingerprint = Pick<
  FileState,
  'size' | 'mtimeNs' | 'ctimeNs' | 'inode' | 'device' | 'type'
>

/** A row of the journal on its way out. */
export interface OutboundRow {
  readonly entry: Entry
  /** Null for tombstones. */
  readonly fingerprint: FileFingerprint | null
  /**
   * `trusted`: `entry.state.hash` belongs to this fingerprint. `doubtful`: the content was hashed once, but ctime
   * changed since (a rename, a chmod, or a write that put mtime back), so it must be hashed again before it is sent
   * or compared. `unknown`: never hashed.
   */
  readonly hashTrust: 'trusted' | 'doubtful' | 'unknown'
  /** It changed whenever it was read, for so long that it is to be sent as far as it goes now. */
  readonly isRestless?: boolean
}

/** A hash found while a file was read, true for this fingerprint. */
export interface FoundHash {
  readonly path: RelPath
  readonly seq: number
  readonly hash: ContentHash
  readonly fingerprint: FileFingerprint
  /** It counts for the file's other names as well, as far as they looked the same. */
  readonly forAllNames?: boolean
}

/** What the Sync Client sends from: a source itself, or a target that holds what the source sent. */
export type OutboundSource = WatchedSource | HeldSource

/** One source's journal and folder. Implemented by `store/` and `cms/`. */
export interface WatchedSource extends OutboundRows {
  readonly kind: 'watched'
  /**
   * These files differ from their rows: each row gets a newer seq, durably in the journal, before this returns, so that
   * the change comes with a later set. The caller then skips the old seqs.
   */
  resequence(paths: readonly RelPath[]): void
  /** These were sent while they changed: they are looked at again, in the way of any file that is being written. */
  lookLater(paths: readonly RelPath[]): void
}

/** A target that serves others in the stead of the source. What has changed on its disk it cannot give. */
export interface HeldSource extends OutboundRows {
  readonly kind: 'held'
  /** Whatever left the source after this seq of the epoch it can tell; what left before, it cannot. */
  tellsSince(): number
  close(): void
}

interface OutboundRows {
  readonly sourceId: string
  readonly tree: ReadTree
  epoch(): string
  headSeq(): number
  /**
   * True once everything that lay below the root is journalled: until then rows are still coming, and a full list must
   * not end. Throws AppError where the root cannot be looked at, so that none may come.
   */
  isListed(): boolean
  /** Rows with `after < seq <= upTo` in order of seq, at most `limit`. With `liveOnly`, tombstones are left out. */
  changes(range: { after: number; upTo: number; limit: number; liveOnly: boolean }): OutboundRow[]
  /** Keeps hashes found while sending, in one transaction, each where the row still has this seq. */
  recordHashes(hashes: readonly FoundHash[]): void
}
