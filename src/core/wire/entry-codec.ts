import type { ByteString } from '../base/byte-string.ts'
import type { Result } from '../base/result.ts'
import {
  type Entry,
  type EntryOperation,
  type FileKey,
  type FileType,
  type SentState,
  isWithheld,
} from '../change/entry.ts'
import { type RelPath, isStaging, parseRelPath } from '../path/rel-path.ts'
import {
  readAttributes,
  readListedAccounts,
  writeAttributes,
  writeListedAccounts,
} from './attribute-codec.ts'
import { type ByteReader, Malformed, parseBytes } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/**
 * Entries on the data connection, in order of seq, each as: distance in seq from the one before; a byte of flags; path;
 * `from`; state. The order of both lists is the wire format.
 */
const OPERATIONS: readonly EntryOperation[] = [
  'create',
  'update',
  'rename',
  'move',
  'delete',
  'excluded',
  'held',
  'kept',
]
const TYPES: readonly FileType[] = ['file', 'directory', 'symlink', 'fifo']

const TYPE_SHIFT = 3
const HAS_STATE = 0x20
const HAS_FROM = 0x40
const HAS_HASH = 0x80
const PATH_BYTES_MAX = 4096
const LINK_BYTES_MAX = 4095
const MODE_MAX = 0o7777
/**
 * Beside the mode: what follows the state, in this order. Names of user and group; attributes; accounts that they name;
 * the key of the file, which may have other names.
 */
const HAS_NAMES = 0x2000
const HAS_ATTRIBUTES = 0x4000
const HAS_LISTED = 0x8000
const HAS_KEY = 0x10000
const HAS_OTHER_NAMES = 0x20000
const MARKS = HAS_NAMES | HAS_ATTRIBUTES | HAS_LISTED | HAS_KEY | HAS_OTHER_NAMES
/** An inode number and a time of birth in nanoseconds, in base 36. */
const FILE_KEY = /^[0-9a-z]{1,13}\.d?[0-9a-z]{1,16}$/
const FILE_KEY_BYTES_MAX = 31
const NAME_BYTES_MAX = 255
const NO_NAME = '' as ByteString
const ID_MAX = 0xffff_ffff

/** Writes one entry; `previousSeq` is that of the entry before, or 0. */
export function writeEntry(writer: ByteWriter, entry: Entry, previousSeq: number): void {
  const { state, from } = entry
  writer.count(entry.seq - previousSeq)
  writer.u8(
    OPERATIONS.indexOf(entry.operation) |
      (state === null ? 0 : HAS_STATE | (TYPES.indexOf(state.type) << TYPE_SHIFT)) |
      (from === null ? 0 : HAS_FROM) |
      (state?.hash == null ? 0 : HAS_HASH),
  )
  writer.text(entry.path)
  if (from !== null) writer.text(from)
  if (state !== null) writeState(writer, state)
}

function writeState(writer: ByteWriter, state: SentState): void {
  writer.count(state.size)
  const { ownerNames, attributes } = state
  writer.count(
    state.mode |
      (ownerNames === undefined ? 0 : HAS_NAMES) |
      (attributes === undefined ? 0 : HAS_ATTRIBUTES) |
      (ownerNames?.listed === undefined ? 0 : HAS_LISTED) |
      (state.fileKey === undefined ? 0 : HAS_KEY) |
      (state.hasOtherNames === true ? HAS_OTHER_NAMES : 0),
  )
  writer.count(state.uid)
  writer.count(state.gid)
  writer.i64(state.mtimeNs)
  if (state.linkTarget !== null) writer.text(state.linkTarget)
  if (state.hash !== null) writer.hash(state.hash)
  if (ownerNames !== undefined) {
    // No name is empty, so that is how none is written.
    writer.text(ownerNames.user ?? NO_NAME)
    writer.text(ownerNames.group ?? NO_NAME)
  }
  if (attributes !== undefined) writeAttributes(writer, attributes)
  if (ownerNames?.listed !== undefined) writeListedAccounts(writer, ownerNames.listed)
  if (state.fileKey !== undefined) writer.text(state.fileKey)
}

/**
 * Reads the entries of one block. `previousSeq` is the last seq of the block before, or 0. Refuses with PROTOCOL what is
 * out of order, incomplete or contradicts itself, and every path that could leave the root or enter the staging folder.
 */
export function parseEntries(
  bytes: Uint8Array,
  previousSeq: number,
  maximum: number,
): Result<Entry[]> {
  return parseBytes('entries', bytes, (reader) => {
    const entries: Entry[] = []
    let seq = previousSeq
    while (reader.left > 0) {
      if (entries.length === maximum) throw new Malformed(`more than ${maximum} entries`)
      const entry = readEntry(reader, seq)
      seq = entry.seq
      entries.push(entry)
    }
    return entries
  })
}

function readEntry(reader: ByteReader, previousSeq: number): Entry {
  const distance = reader.count(Number.MAX_SAFE_INTEGER - previousSeq)
  if (distance === 0) throw new Malformed(`two entries with seq ${previousSeq}`)
  const flags = reader.u8()
  const operation = OPERATIONS[flags & 0x07]
  if (operation === undefined) throw new Malformed('an unknown operation')
  const path = readPath(reader)
  const from = flags & HAS_FROM ? readPath(reader) : null
  const state = flags & HAS_STATE ? readState(reader, flags) : null
  const gone = operation === 'delete' || operation === 'excluded' || isWithheld(operation)
  const consistent = gone ? state === null && from === null : state !== null
  if (!consistent || (state === null && flags !== OPERATIONS.indexOf(operation)))
    throw new Malformed(`a contradiction in the entry of "${path}"`)
  if (path === '' && state?.type !== 'directory') throw new Malformed('a root that is no folder')
  return { seq: previousSeq + distance, path, operation, state, from }
}

function readPath(reader: ByteReader): RelPath {
  const path = parseRelPath(reader.text(PATH_BYTES_MAX))
  if (!path.ok) throw new Malformed(path.error.message)
  if (isStaging(path.value)) throw new Malformed(`path "${path.value}" lies in the staging folder`)
  return path.value
}

function readState(reader: ByteReader, flags: number): SentState {
  const type = TYPES[(flags >> TYPE_SHIFT) & 0x03] ?? 'file'
  const size = reader.count()
  if (type !== 'file' && (size > 0 || flags & HAS_HASH))
    throw new Malformed(`a ${type} with content`)
  const modeAndMarks = reader.count(MODE_MAX | MARKS)
  const mode = modeAndMarks & ~MARKS
  if (mode > MODE_MAX) throw new Malformed(`a mode of ${mode}`)
  const state = {
    type,
    size,
    mode,
    uid: reader.count(ID_MAX),
    gid: reader.count(ID_MAX),
    mtimeNs: reader.i64(),
    linkTarget: type === 'symlink' ? readLinkTarget(reader) : null,
    hash: flags & HAS_HASH ? reader.hash() : null,
  }
  return mode === modeAndMarks ? state : readMarked(reader, state, modeAndMarks)
}

/** Reads what only some policies send. */
function readMarked(reader: ByteReader, state: SentState, marks: number): SentState {
  const names = marks & HAS_NAMES ? { user: readName(reader), group: readName(reader) } : null
  const attributes = marks & HAS_ATTRIBUTES ? readAttributes(reader, state.type) : null
  const listed = marks & HAS_LISTED ? readListedAccounts(reader) : null
  if (listed !== null && (names === null || attributes?.acls == null))
    throw new Malformed('accounts of access lists that are not there')
  const ownerNames = names && { ...names, ...(listed && { listed }) }
  return {
    ...state,
    ...(ownerNames && { ownerNames }),
    ...(attributes && { attributes }),
    ...readKey(reader, state, marks),
  }
}

function readKey(
  reader: ByteReader,
  { type }: SentState,
  marks: number,
): Pick<SentState, 'fileKey' | 'hasOtherNames'> {
  const hasOtherNames = (marks & HAS_OTHER_NAMES) !== 0
  if (!(marks & HAS_KEY)) {
    if (hasOtherNames) throw new Malformed('other names of a file without a key')
    return {}
  }
  const fileKey = reader.text(FILE_KEY_BYTES_MAX)
  if (type !== 'file' || !FILE_KEY.test(fileKey)) throw new Malformed('a key of what is no file')
  return { fileKey: fileKey as FileKey, ...(hasOtherNames && { hasOtherNames }) }
}

function readName(reader: ByteReader): ByteString | null {
  const name = reader.text(NAME_BYTES_MAX)
  return name === '' ? null : name
}

function readLinkTarget(reader: ByteReader): NonNullable<SentState['linkTarget']> {
  const target = reader.text(LINK_BYTES_MAX)
  if (target === '' || target.includes('\0')) throw new Malformed('an invalid link target')
  return target
}
