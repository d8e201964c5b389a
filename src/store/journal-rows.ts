import { type ByteString, fromBytes, toBytes } from '../core/base/byte-string.ts'
import type { ContentHash, EntryOperation, FileState, FileType } from '../core/change/entry.ts'
import type { HashTrust, JournalRow } from '../core/change/row.ts'
import { pathOfTreeKey, treeKey } from '../core/change/tree-order.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { decodeAttributes, encodeAttributes } from '../core/wire/attribute-codec.ts'

/** The columns of `entry` after `id` and `source`, in the order of `toColumns` and `fromColumns`. */
export const COLUMNS = [
  'tree_key',
  'seq',
  'operation',
  'from_path',
  'type',
  'size',
  'mode',
  'uid',
  'gid',
  'mtime_ns',
  'ctime_ns',
  'birth_ns',
  'device',
  'inode',
  'link_count',
  'link_target',
  'hash',
  'hash_trust',
  'is_racy',
  'changed_at_ms',
  'attributes',
  'loss_bytes',
] as const

export type Column = string | number | bigint | Uint8Array | null

const NOTHING: FileState = {
  type: 'file',
  size: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  mtimeNs: 0n,
  ctimeNs: 0n,
  birthNs: 0n,
  device: 0n,
  inode: 0n,
  linkCount: 0,
  linkTarget: null,
}

/** Bytes of a path in tree order: the form under which the database orders and finds it. */
export function keyBytes(path: RelPath): Uint8Array {
  return Buffer.from(treeKey(path), 'latin1')
}

/** Inode and device numbers have 64 bits without sign, SQLite's integers have one: the bits are kept. */
export function asSigned(bits: bigint): bigint {
  return BigInt.asIntN(64, bits)
}

/** Gives a row as values for `COLUMNS`. */
export function toColumns(row: JournalRow): Column[] {
  const state = row.state ?? NOTHING
  return [
    keyBytes(row.path),
    row.seq,
    row.operation,
    row.from === null ? null : toBytes(row.from),
    row.state?.type ?? null,
    state.size,
    state.mode,
    state.uid,
    state.gid,
    state.mtimeNs,
    state.ctimeNs,
    state.birthNs,
    asSigned(state.device),
    asSigned(state.inode),
    state.linkCount,
    state.linkTarget === null ? null : toBytes(state.linkTarget),
    row.hash === null ? null : Buffer.from(row.hash, 'hex'),
    row.hashTrust,
    row.isRacy ? 1 : 0,
    row.changedAtMs,
    // The writer is this call's own, so its bytes are valid until the statement has run.
    state.attributes === undefined ? null : encodeAttributes(state.attributes),
    row.lossBytes ?? null,
  ]
}

/** The values of `COLUMNS` as the database gives them. Only this program writes them, so their types are trusted. */
export type StoredColumns = [
  treeKey: Uint8Array,
  seq: bigint,
  operation: EntryOperation,
  fromPath: Uint8Array | null,
  type: FileType | null,
  size: bigint,
  mode: bigint,
  uid: bigint,
  gid: bigint,
  mtimeNs: bigint,
  ctimeNs: bigint,
  birthNs: bigint,
  device: bigint,
  inode: bigint,
  linkCount: bigint,
  linkTarget: Uint8Array | null,
  hash: Uint8Array | null,
  hashTrust: HashTrust,
  isRacy: bigint,
  changedAtMs: bigint,
  attributes: Uint8Array | null,
  lossBytes: bigint | null,
]

/** Gives a row from the values of `COLUMNS`. */
export function fromColumns(columns: StoredColumns): JournalRow {
  const [key, seq, operation, fromPath] = columns
  const [hash, hashTrust, isRacy, atMs] = columns.slice(16) as HashColumns
  const lossBytes = columns[21]
  return {
    path: pathOfTreeKey(latin1(key)),
    seq: Number(seq),
    operation,
    from: fromPath === null ? null : (latin1(fromPath) as RelPath),
    state: stateOf(columns),
    hash: hash === null ? null : (Buffer.from(hash).toString('hex') as ContentHash),
    hashTrust,
    isRacy: isRacy === 1n,
    changedAtMs: Number(atMs),
    ...(lossBytes !== null && { lossBytes: Number(lossBytes) }),
  }
}

function stateOf(columns: StoredColumns): FileState | null {
  const [, , , , type, size, mode, uid, gid, mtimeNs, ctimeNs, birthNs] = columns
  const [device, inode, linkCount, linkTarget] = columns.slice(12, 16) as DeviceColumns
  if (type === null) return null
  const attributes = columns[20]
  const state: FileState = {
    type,
    size: Number(size),
    mode: Number(mode),
    uid: Number(uid),
    gid: Number(gid),
    mtimeNs,
    ctimeNs,
    birthNs,
    device: BigInt.asUintN(64, device),
    inode: BigInt.asUintN(64, inode),
    linkCount: Number(linkCount),
    linkTarget: linkTarget === null ? null : fromBytes(linkTarget),
  }
  return attributes === null ? state : { ...state, attributes: decodeAttributes(attributes, type) }
}

type HashColumns = [Uint8Array | null, HashTrust, bigint, bigint]
type DeviceColumns = [bigint, bigint, bigint, Uint8Array | null]

function latin1(bytes: Uint8Array): ByteString {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view.toString('latin1') as ByteString
}
