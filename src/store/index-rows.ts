import type { IndexRow, StoredPending } from '../core/apply/index-store.ts'
import { type ByteString, fromBytes, toBytes } from '../core/base/byte-string.ts'
import { ERRORS, type ErrorCode } from '../core/base/errors.ts'
import type { ContentHash, FileKey, FileType, SentState } from '../core/change/entry.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { decodeAttributes, encodeAttributes } from '../core/wire/attribute-codec.ts'

/** A row of table `entry` as SQLite gives it. */
export interface EntryRecord {
  readonly path: Uint8Array
  readonly epoch_id: bigint
  readonly seq: bigint
  readonly list: bigint
  readonly type: FileType
  readonly size: bigint
  readonly mode: bigint
  readonly uid: bigint
  readonly gid: bigint
  readonly mtime_ns: bigint
  readonly link_target: Uint8Array | null
  readonly hash: Uint8Array | null
  readonly disk_size: bigint
  readonly disk_mtime_ns: bigint
  readonly disk_ctime_ns: bigint
  readonly disk_inode: bigint
  readonly disk_device: bigint
  readonly attributes: Uint8Array | null
  readonly file_key: string | null
}

export type EntryValues = (Uint8Array | string | number | bigint | null)[]

/** The values of table `entry` in order of its columns. */
export function entryValues(binding: bigint, epoch: bigint, row: IndexRow): EntryValues {
  const { state, stat } = row
  return [
    binding,
    toBytes(row.path),
    epoch,
    row.seq,
    row.list,
    state.type,
    state.size,
    state.mode,
    state.uid,
    state.gid,
    state.mtimeNs,
    state.linkTarget === null ? null : toBytes(state.linkTarget),
    state.hash === null ? null : hashBlob(state.hash),
    stat.size,
    stat.mtimeNs,
    stat.ctimeNs,
    BigInt.asIntN(64, stat.inode),
    BigInt.asIntN(64, stat.device),
    state.attributes === undefined ? null : encodeAttributes(state.attributes),
    state.fileKey ?? null,
  ]
}

/** A record as the machine knows it. */
export function indexRow(record: EntryRecord, epoch: string): IndexRow {
  const { type } = record
  const state: SentState = {
    type,
    size: Number(record.size),
    mode: Number(record.mode),
    uid: Number(record.uid),
    gid: Number(record.gid),
    mtimeNs: record.mtime_ns,
    linkTarget: record.link_target === null ? null : fromBytes(record.link_target),
    hash: record.hash === null ? null : (Buffer.from(record.hash).toString('hex') as ContentHash),
  }
  return {
    path: fromBytes(record.path) as RelPath,
    epoch,
    seq: Number(record.seq),
    list: Number(record.list),
    state: record.attributes === null && record.file_key === null ? state : whole(state, record),
    stat: {
      type,
      size: Number(record.disk_size),
      mtimeNs: record.disk_mtime_ns,
      ctimeNs: record.disk_ctime_ns,
      inode: BigInt.asUintN(64, record.disk_inode),
      device: BigInt.asUintN(64, record.disk_device),
    },
  }
}

/** With what only some policies send. */
function whole(state: SentState, { attributes, file_key: fileKey }: EntryRecord): SentState {
  return {
    ...state,
    ...(attributes !== null && { attributes: decodeAttributes(attributes, state.type) }),
    ...(fileKey !== null && { fileKey: fileKey as FileKey }),
  }
}

/** A content hash as it is stored. */
export function hashBlob(hash: ContentHash): Uint8Array {
  return Buffer.from(hash, 'hex')
}

/** A row of table `pending`. */
export interface PendingRecord {
  readonly path: Uint8Array
  readonly seq: bigint
  readonly code: string
  readonly message: string
  readonly is_deletion: bigint
  readonly list: bigint
}

/** A record as the machine knows it; a code that this program does not know reads as INTERNAL. */
export function storedPending(record: PendingRecord): StoredPending {
  return {
    path: fromBytes(record.path) as RelPath,
    seq: Number(record.seq),
    code: isCode(record.code) ? record.code : 'INTERNAL',
    message: record.message,
    isDeletion: record.is_deletion !== 0n,
    list: Number(record.list),
  }
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}

/** Paths as one blob. A path holds no NUL; the root is the empty path, which is why each ends with one. */
export function joinPaths(paths: readonly RelPath[]): Uint8Array {
  return toBytes(paths.map((path) => `${path}\0`).join('') as ByteString)
}

/** The paths of a blob. */
export function splitPaths(blob: Uint8Array): RelPath[] {
  return fromBytes(blob).split('\0').slice(0, -1) as RelPath[]
}
