import type { Held, IndexRow, StoredPending } from '../core/apply/index-store.ts'
import type { FileFingerprint } from '../core/apply/outbound.ts'
import { type ByteString, toBytes } from '../core/base/byte-string.ts'
import { ERRORS, type ErrorCode } from '../core/base/errors.ts'
import type { ContentHash, FileKey, FileType, SentState } from '../core/change/entry.ts'
import type { KnownRoot } from '../core/change/known-root.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { decodeAttributes, encodeAttributes } from '../core/wire/attribute-codec.ts'
import { asSigned } from './journal-rows.ts'
import { storedBytes } from './stored-bytes.ts'

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

/** How a row of table `binding` says which folder was received into. */
export interface RootRecord {
  readonly root_inode: bigint | null
  readonly root_birth_ns: bigint | null
  readonly root_is_mount_point: bigint | null
}

/** The folder that was received into; null before the first set. When it was made was not always asked. */
export function receivedRoot(record: RootRecord): KnownRoot | null {
  const { root_inode: inode, root_birth_ns: birthNs, root_is_mount_point: isMountPoint } = record
  if (inode === null) return null
  return {
    inode: BigInt.asUintN(64, inode),
    birthNs: birthNs ?? 0n,
    isMountPoint: isMountPoint === 1n,
  }
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
    linkTarget: record.link_target === null ? null : storedBytes(record.link_target),
    hash: record.hash === null ? null : (record.hash.toHex() as ContentHash),
  }
  return {
    path: storedBytes(record.path) as RelPath,
    epoch,
    seq: Number(record.seq),
    list: Number(record.list),
    state: record.attributes === null && record.file_key === null ? state : whole(state, record),
    stat: diskOf(record, type),
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
  readonly held_since_ms: bigint | null
  readonly answer: string | null
  readonly disk_type: FileType | null
  readonly disk_size: bigint
  readonly disk_mtime_ns: bigint
  readonly disk_ctime_ns: bigint
  readonly disk_inode: bigint
  readonly disk_device: bigint
}

export type PendingValues = (Uint8Array | string | number | bigint | null)[]

/** The values of table `pending` in order of its columns. */
export function pendingValues(binding: bigint, pending: StoredPending): PendingValues {
  const { path, seq, code, message, isDeletion, list, held } = pending
  const disk = held?.disk ?? null
  return [
    binding,
    toBytes(path),
    seq,
    code,
    message,
    isDeletion ? 1 : 0,
    list,
    held?.sinceMs ?? null,
    held?.answer ?? null,
    disk?.type ?? null,
    disk?.size ?? null,
    disk?.mtimeNs ?? null,
    disk?.ctimeNs ?? null,
    disk === null ? null : asSigned(disk.inode),
    disk === null ? null : asSigned(disk.device),
  ]
}

/** A record as the machine knows it; a code that this program does not know reads as INTERNAL. */
export function storedPending(record: PendingRecord): StoredPending {
  return {
    path: storedBytes(record.path) as RelPath,
    seq: Number(record.seq),
    code: isCode(record.code) ? record.code : 'INTERNAL',
    message: record.message,
    isDeletion: record.is_deletion !== 0n,
    list: Number(record.list),
    held: record.held_since_ms === null ? null : heldOf(record, record.held_since_ms),
  }
}

/** An answer that this program does not know is none. */
function heldOf(record: PendingRecord, sinceMs: bigint): Held {
  const { answer, disk_type: type } = record
  return {
    sinceMs: Number(sinceMs),
    answer: answer === 'release' || answer === 'keep' ? answer : null,
    disk: type === null ? null : diskOf(record, type),
  }
}

/** How the disk looked, from the columns of it. */
function diskOf(
  record: Pick<EntryRecord, Extract<keyof EntryRecord, `disk_${string}`>>,
  type: FileType,
): FileFingerprint {
  return {
    type,
    size: Number(record.disk_size),
    mtimeNs: record.disk_mtime_ns,
    ctimeNs: record.disk_ctime_ns,
    inode: BigInt.asUintN(64, record.disk_inode),
    device: BigInt.asUintN(64, record.disk_device),
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
  return storedBytes(blob).split('\0').slice(0, -1) as RelPath[]
}
