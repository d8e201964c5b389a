import { toBytes } from '../core/base/byte-string.ts'
import type { ContentHash, EntryOperation, FileState, FileType } from '../core/change/entry.ts'
import type { HashTrust, JournalRow } from '../core/change/row.ts'
import { pathOfTreeKey, treeKey } from '../core/change/tree-order.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { decodeAttributes, encodeAttributes } from '../core/wire/attribute-codec.ts'
import { storedBytes } from './stored-bytes.ts'

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
  const hash = columns[16]
  const lossBytes = columns[21]
  const row: JournalRow = {
    path: pathOfTreeKey(storedBytes(key)),
    seq: Number(seq),
    operation,
    from: fromPath === null ? null : (storedBytes(fromPath) as RelPath),
    state: stateOf(columns),
    hash: hash === null ? null : (hash.toHex() as ContentHash),
    hashTrust: columns[17],
    isRacy: columns[18] === 1n,
    changedAtMs: Number(columns[19]),
  }
  return lossBytes === null ? row : { ...row, lossBytes: Number(lossBytes) }
}

function stateOf(columns: StoredColumns): FileState | null {
  const [, , , , type, size, mode, uid, gid, mtimeNs, ctimeNs, birthNs] = columns
  if (type === null) return null
  const linkTarget = columns[15]
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
    device: BigInt.asUintN(64, columns[12]),
    inode: BigInt.asUintN(64, columns[13]),
    linkCount: Number(columns[14]),
    linkTarget: linkTarget === null ? null : storedBytes(linkTarget),
  }
  return attributes === null ? state : { ...state, attributes: decodeAttributes(attributes, type) }
}
