import type { ByteString } from '../base/byte-string.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { ListedAccount } from './access-list.ts'
import type { Attributes } from './attributes.ts'

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo'

/** What one look at a path saw: everything `statx` tells, and the target of a symbolic link. */
export interface FileState {
  readonly type: FileType
  /** Bytes of content; 0 for what is no file. */
  readonly size: number
  /** The lower twelve bits: permissions, set-id and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  /** 0 where the file system does not tell. */
  readonly birthNs: bigint
  readonly device: bigint
  readonly inode: bigint
  readonly linkCount: number
  /** Only for symbolic links, else null. */
  readonly linkTarget: ByteString | null
  /** Only where a policy sends attributes and the path was looked at closely. */
  readonly attributes?: Attributes
}

/** SHA-256 of a file's whole content, 32 bytes as lower-case hex: easy to compare, to store and to use as a key. */
export type ContentHash = string & { readonly brand: 'ContentHash' }

/** Stands for one file of a source, whatever its names are; another file never has the same. */
export type FileKey = ByteString & { readonly kind: 'FileKey' }

/** The operations by which a change is reported. What is applied is the state, not the operation. */
export type EntryOperation =
  | 'create'
  | 'update'
  | 'rename'
  | 'move'
  | 'delete'
  | 'excluded'
  /** Gone or emptied at the source, and more than may go without a person's word: targets leave it as it is. */
  | 'held'
  /** The same where the word was no. */
  | 'kept'

export type WithheldOperation = Extract<EntryOperation, 'held' | 'kept'>

/** The operations of which no state is sent. */
export type AbsentOperation = Extract<EntryOperation, 'delete' | 'excluded'> | WithheldOperation

/** Tells whether targets are to leave a path as they have it, whatever became of it at the source. */
export function isWithheld(operation: EntryOperation): operation is WithheldOperation {
  return operation === 'held' || operation === 'kept'
}

/** Tells whether an operation says of a path that it is not there, or nothing of what it is. */
export function isAbsent(operation: EntryOperation): operation is AbsentOperation {
  return operation === 'delete' || operation === 'excluded' || isWithheld(operation)
}

/** Who owns a path by name; null for a number that has none at its source. */
export interface OwnerNames {
  readonly user: ByteString | null
  readonly group: ByteString | null
  /** Those of its access lists that have a name; absent where there are none. */
  readonly listed?: readonly ListedAccount[]
}

/** The metadata of a path that exists, as it is sent and as the index keeps it. */
export interface SentState {
  readonly type: FileType
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  readonly linkTarget: ByteString | null
  /** Only on the wire, and where the policy sends names; the numbers are then those of the source. */
  readonly ownerNames?: OwnerNames
  /** Absent where the policy sends none. */
  readonly attributes?: Attributes
  /** Which file a path names; only for files, and where the policy keeps names of one file names of one. */
  readonly fileKey?: FileKey
  /** Only on the wire, beside it: the file has other names at its source, sent or not. */
  readonly hasOtherNames?: boolean
  /** Null for what is no file, and for a file whose content was not hashed yet. */
  readonly hash: ContentHash | null
}

/**
 * One row of the journal as it travels: the final state of a path at `seq`. `state` is null where the path is gone
 * (`delete`), no longer part of the view (`excluded`), or is to stay as the target has it (`held`, `kept`).
 */
export interface Entry {
  /** Position in the journal of one source and epoch; grows, has holes, below 2^53. */
  readonly seq: number
  readonly path: RelPath
  readonly operation: EntryOperation
  readonly state: SentState | null
  /** Where the content lay before a rename or move: a hint that saves the transfer, never trusted. */
  readonly from: RelPath | null
}

/** A place in the journal of one source. */
export interface Position {
  readonly epoch: string
  readonly seq: number
}
