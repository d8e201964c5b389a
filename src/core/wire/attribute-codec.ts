import type { ByteString } from '../base/byte-string.ts'
import { ACL_BYTES_MAX, LISTED_ACCOUNTS_MAX, XATTR_BYTES_MAX } from '../base/limits.ts'
import { type ListedAccount, isAccessList } from '../change/access-list.ts'
import { type Attribute, type Attributes, isSentXattr, listsOf } from '../change/attributes.ts'
import type { FileType } from '../change/entry.ts'
import { type ByteReader, Malformed, parseBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** A byte of flags, then what they say is there: the number of extended attributes with each name and value; lists. */
const HAS_XATTRS = 0x01
const HAS_ACLS = 0x02
const HAS_ACCESS = 0x04
const HAS_INHERITED = 0x08
const TOO_LARGE = 0x10
const UNREADABLE = 0x20
const LISTS_UNREADABLE = 0x40
const FLAGS_MAX = 0x7f
const XATTR_NAME_BYTES_MAX = 255
const ID_MAX = 0xffff_ffff
const ACCOUNT_NAME_BYTES_MAX = 255
const ACCOUNT_KINDS: readonly ListedAccount['kind'][] = ['user', 'group']

/** Writes the attributes of one path, whose list of extended ones is in order of name. */
export function writeAttributes(writer: ByteWriter, attributes: Attributes): void {
  const { xattrs } = attributes
  const lists = listsOf(attributes)
  writer.u8(flagsOfXattrs(attributes) | flagsOfLists(attributes))
  if (xattrs !== null && typeof xattrs !== 'string') {
    writer.count(xattrs.length)
    for (const { name, value } of xattrs) {
      writer.text(name)
      writer.text(value)
    }
  }
  if (lists !== null && lists.access !== null) writer.text(lists.access)
  if (lists !== null && lists.inherited !== null) writer.text(lists.inherited)
}

function flagsOfXattrs({ xattrs }: Attributes): number {
  if (xattrs === null) return 0
  if (typeof xattrs !== 'string') return HAS_XATTRS
  return xattrs === 'XATTRS_TOO_LARGE' ? TOO_LARGE : UNREADABLE
}

function flagsOfLists({ acls }: Attributes): number {
  if (acls === null) return 0
  if (typeof acls === 'string') return LISTS_UNREADABLE
  return (
    HAS_ACLS |
    (acls.access === null ? 0 : HAS_ACCESS) |
    (acls.inherited === null ? 0 : HAS_INHERITED)
  )
}

/** Reads them; refuses what contradicts itself, is too large, or does not travel. */
export function readAttributes(reader: ByteReader, type: FileType): Attributes {
  const flags = reader.u8()
  const hasLists = (flags & (HAS_ACCESS | HAS_INHERITED)) !== 0
  const isInherited = (flags & HAS_INHERITED) !== 0
  const isClear =
    flags <= FLAGS_MAX &&
    isAtMostOne(flags & (HAS_XATTRS | TOO_LARGE | UNREADABLE)) &&
    isAtMostOne(flags & (HAS_ACLS | LISTS_UNREADABLE)) &&
    (!hasLists || (flags & HAS_ACLS) !== 0) &&
    (!isInherited || type === 'directory')
  if (!isClear) throw new Malformed('a contradiction in the attributes of an entry')
  return { xattrs: readXattrs(reader, flags), acls: readLists(reader, flags) }
}

function isAtMostOne(flags: number): boolean {
  return (flags & (flags - 1)) === 0
}

function readXattrs(reader: ByteReader, flags: number): Attributes['xattrs'] {
  if (flags & TOO_LARGE) return 'XATTRS_TOO_LARGE'
  if (flags & UNREADABLE) return 'XATTRS_UNREADABLE'
  if (!(flags & HAS_XATTRS)) return null
  const count = reader.count(XATTR_BYTES_MAX)
  const xattrs: Attribute[] = []
  let bytes = 0
  for (let previous = ''; xattrs.length < count;) {
    const name = reader.text(XATTR_NAME_BYTES_MAX)
    const value = reader.text(XATTR_BYTES_MAX)
    bytes += name.length + value.length
    if (!isSentXattr(name) || name.includes('\0') || name <= previous || bytes > XATTR_BYTES_MAX)
      throw new Malformed(`an extended attribute ${JSON.stringify(name)} that must not come`)
    previous = name
    xattrs.push({ name, value })
  }
  return xattrs
}

function readLists(reader: ByteReader, flags: number): Attributes['acls'] {
  if (flags & LISTS_UNREADABLE) return 'ACLS_UNREADABLE'
  if (!(flags & HAS_ACLS)) return null
  return {
    access: flags & HAS_ACCESS ? readList(reader) : null,
    inherited: flags & HAS_INHERITED ? readList(reader) : null,
  }
}

function readList(reader: ByteReader): ByteString {
  const list = reader.text(ACL_BYTES_MAX)
  if (!isAccessList(list)) throw new Malformed('an access list that is none')
  return list
}

/** Writes the accounts of access lists that have a name. */
export function writeListedAccounts(writer: ByteWriter, accounts: readonly ListedAccount[]): void {
  writer.count(accounts.length)
  for (const { kind, id, name } of accounts) {
    writer.u8(ACCOUNT_KINDS.indexOf(kind))
    writer.count(id)
    writer.text(name)
  }
}

/** Reads them. */
export function readListedAccounts(reader: ByteReader): ListedAccount[] {
  const count = reader.count(LISTED_ACCOUNTS_MAX)
  const accounts: ListedAccount[] = []
  while (accounts.length < count) {
    const kind = ACCOUNT_KINDS[reader.u8()]
    const account = { id: reader.count(ID_MAX), name: reader.text(ACCOUNT_NAME_BYTES_MAX) }
    if (kind === undefined || account.name === '') throw new Malformed('an account without a name')
    accounts.push({ kind, ...account })
  }
  return accounts
}

/** Gives attributes as bytes for a database of this program. */
export function encodeAttributes(attributes: Attributes): Uint8Array {
  const writer = new ByteWriter(256)
  writeAttributes(writer, attributes)
  return writer.done()
}

/** Reads what `encodeAttributes` gave for a path of this type. */
export function decodeAttributes(bytes: Uint8Array, type: FileType): Attributes {
  const parsed = parseBytes('attributes', bytes, (reader) => readAttributes(reader, type))
  if (!parsed.ok) throw new Error(`invariant broken: ${parsed.error.message}`)
  return parsed.value
}
