import type { ByteString } from '../base/byte-string.ts'
import type { AttributeKinds, Attributes } from '../change/attributes.ts'
import type { ContentHash, FileState, FileType } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'

/**
 * Reading below one root. Every call is resolved beneath the root without following any symbolic link, so a link
 * swapped in by a third party never leads outside. All calls are synchronous. What does not exist is null, and so is
 * every path below a link or a file; every other failure throws an AppError (NO_PERMISSION, IO_ERROR, NAME_TOO_LONG,
 * …) naming the path. Sockets and devices are invisible for reading; a `TargetTree` throws EXTRA_IN_THE_WAY for them.
 */
export interface ReadTree {
  lstat(path: RelPath): FileState | null
  /** The same with the attributes of these kinds, both read of one object; for what no file system here has, none. */
  lstatClosely(path: RelPath, kinds: AttributeKinds): FileState | null
  /** Names in a folder, unordered, without `.` and `..`; null where it is no folder or is gone. */
  list(folder: RelPath): ByteString[] | null
  /** Opens a regular file for reading; null where it is gone or is no regular file. */
  open(path: RelPath): ReadHandle | null
  /**
   * True where somebody has a file open for writing, false where nobody has; null where the system does not tell, and for
   * what is no file.
   */
  isBeingWritten(path: RelPath): boolean | null
  /**
   * Which folder this is, however it is mounted. ROOT_CHANGED where the path of the root names another folder than the
   * one that was opened, ROOT_MISSING where it names none.
   */
  identity(): RootIdentity
  close(): void
}

export interface ReadHandle {
  /** How the file looked when it was opened. */
  readonly opened: FileState
  /** Reads up to `buffer.length` bytes at a position in bytes; 0 at the end of the file. */
  read(buffer: Uint8Array, position: number): number
  stat(): FileState
  close(): void
}

export interface RootIdentity {
  readonly device: bigint
  readonly inode: bigint
  /** When it was made, in nanoseconds; 0 where the file system does not tell. */
  readonly birthNs: bigint
  /** True where another file system is mounted on the root itself. */
  readonly isMountPoint: boolean
}

/**
 * Writing below one root, under the same confinement. EXTRA_IN_THE_WAY where a name that is to be made exists or is of
 * another type, NOT_FOUND where what is to be used, or the folder of what is to be made, does not exist.
 */
export interface TargetTree extends ReadTree {
  makeDirectory(path: RelPath, mode: number): void
  /** False where the folder is not empty. Gone already counts as removed. */
  removeDirectory(path: RelPath): boolean
  /** Removes what is no folder. Gone already counts as removed. */
  unlink(path: RelPath): void
  /** TYPE_UNSUPPORTED where the file system does not hold links; likewise fifos. */
  makeSymlink(path: RelPath, linkTarget: ByteString): void
  makeFifo(path: RelPath, mode: number): void
  /** Gives a file another name, which must not exist yet; false where it cannot get one, so that a copy must do. */
  link(from: RelPath, to: RelPath): boolean
  /** Replaces `to` in one step where it is no folder; nothing happens where both name one file. */
  rename(from: RelPath, to: RelPath): void
  /** The same where nothing lies at `to`; EXTRA_IN_THE_WAY where something has come there. */
  place(from: RelPath, to: RelPath): void
  /** Creates a file that must not exist yet, with content and metadata; leaves nothing behind where that fails. */
  createWhole(path: RelPath, bytes: Uint8Array, metadata: Metadata): void
  /** Creates a file that must not exist yet, mode 0600, for writing. */
  create(path: RelPath): WriteHandle
  /** Opens a regular file that exists for writing behind its first bytes, whatever its mode was: it becomes 0600. What was there goes. */
  append(path: RelPath, keptBytes: number): WriteHandle
  /** Copies content only, by reflink or in the kernel where possible. `to` must not exist. */
  copy(from: RelPath, to: RelPath): void
  /** Sets what is given, in the order owner, mode, mtime; never follows a link. Mode is not set on links. */
  setMetadata(path: RelPath, type: FileType, metadata: Metadata): void
  /** Opens what lies at a path, a link itself too, for its metadata; under the same rules as `setMetadata`. */
  openMetadata(path: RelPath, type: FileType): MetadataHandle
  /** Writes everything of this file system to the disk: after it returns, what was done survives a power cut. */
  sync(): void
}

export interface Metadata {
  readonly mode: number | null
  readonly owner: { readonly uid: number; readonly gid: number } | null
  readonly mtimeNs: bigint | null
}

/** Why a place cannot hold an attribute, now and until somebody changes something. */
export type AttributeRefusal = 'unsupported' | 'forbidden' | 'noRoom'

/** Something that is held open, whatever its name is by then. */
export interface MetadataHandle {
  /** Sets what is given, in the order owner, mode, mtime. */
  setMetadata(metadata: Metadata): void
  attributes(kinds: AttributeKinds): Attributes
  /** Sets an attribute, with null removes it; gives why it cannot be held, null where it is done. */
  setAttribute(name: ByteString, value: ByteString | null): AttributeRefusal | null
  close(): void
}

export interface WriteHandle extends MetadataHandle {
  /**
   * Begins with the first bytes of another file, by sharing its blocks; false where the file system cannot. Only before
   * anything is written. What is shared is overwritten by `write`, and stays where `keep` passes over it.
   */
  share(source: ReadHandle, bytes: number): boolean
  /** Goes on behind so many bytes that were shared. */
  keep(bytes: number): void
  /** Writes all bytes behind what was written and kept so far. */
  write(bytes: Uint8Array): void
  /** Makes the file longer by so many zeros, which take no room where the file system can do without. Not over what was shared. */
  skip(bytes: number): void
  stat(): FileState
  /** Throws where the file system only now tells that a write has failed. */
  close(): void
}

/** A running SHA-256; the platform gives the real one. */
export interface Hasher {
  update(bytes: Uint8Array): void
  /** Gives another that has taken the same bytes. */
  copy(): Hasher
  /** Ends the hash; the hasher must not be used again. */
  digest(): ContentHash
}
