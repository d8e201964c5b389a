import type { ByteString } from '../base/byte-string.ts'

/**
 * An access list as Linux keeps it (`system.posix_acl_access`): a version in 4 bytes, then entries of 8: tag, permissions,
 * id, each with its lowest byte first. The permissions that a file's mode shows for its group are those of the mask.
 */
const VERSION = 2
const HEAD_BYTES = 4
const ENTRY_BYTES = 8

const OWNER = 0x01
const USER = 0x02
const OWNING_GROUP = 0x04
const GROUP = 0x08
const MASK = 0x10
const OTHERS = 0x20
const TAGS: ReadonlySet<number> = new Set([OWNER, USER, OWNING_GROUP, GROUP, MASK, OTHERS])
const ALL = 0o7
const NO_ID = 0xffff_ffff

/** An account that an access list names by number, and its name where its host has one. */
export interface ListedAccount {
  readonly kind: 'user' | 'group'
  readonly id: number
  readonly name: ByteString
}

interface ListEntry {
  readonly tag: number
  readonly permissions: number
  readonly id: number
}

/** Tells whether bytes are an access list; whether its entries make sense together the kernel decides. */
export function isAccessList(bytes: ByteString): boolean {
  if (bytes.length <= HEAD_BYTES || (bytes.length - HEAD_BYTES) % ENTRY_BYTES !== 0) return false
  if (number(bytes, 0, 4) !== VERSION) return false
  return entriesOf(bytes).every(({ tag, permissions }) => TAGS.has(tag) && permissions <= ALL)
}

/** The accounts that an access list names, each once. */
export function listedAccounts(list: ByteString): Pick<ListedAccount, 'kind' | 'id'>[] {
  const accounts = new Map<string, Pick<ListedAccount, 'kind' | 'id'>>()
  for (const entry of entriesOf(list)) {
    const kind = kindOf(entry)
    if (kind !== null) accounts.set(`${kind} ${entry.id}`, { kind, id: entry.id })
  }
  return [...accounts.values()]
}

/** The same list with other numbers for the accounts that it names. */
export function withAccounts(
  list: ByteString,
  idOf: (kind: ListedAccount['kind'], id: number) => number,
): ByteString {
  return encoded(
    entriesOf(list).map((entry) => {
      const kind = kindOf(entry)
      return kind === null ? entry : { ...entry, id: idOf(kind, entry.id) }
    }),
  )
}

/** The list that says no more than a mode: set in place of another, it removes it and leaves just this mode, in one step. */
export function plainList(mode: number): ByteString {
  const entry = (tag: number, shift: number) => ({
    tag,
    permissions: (mode >> shift) & ALL,
    id: NO_ID,
  })
  return encoded([entry(OWNER, 6), entry(OWNING_GROUP, 3), entry(OTHERS, 0)])
}

/** The permissions that the mode of a file with this list shows. */
export function shownMode(list: ByteString): number {
  const ofGroup = permissionsIn(list, MASK) ?? permissionsIn(list, OWNING_GROUP) ?? 0
  const [ofOwner, ofOthers] = [permissionsIn(list, OWNER) ?? 0, permissionsIn(list, OTHERS) ?? 0]
  return (ofOwner << 6) | (ofGroup << 3) | ofOthers
}

/**
 * The mode for a place that cannot hold a file's access list. What the mode shows for the group are the permissions of
 * everybody whom the list names: left so, the owning group would get them.
 */
export function modeWithoutList(mode: number, list: ByteString): number {
  const ofGroup = permissionsIn(list, OWNING_GROUP) ?? 0
  return (mode & ~0o070) | ((ofGroup & (permissionsIn(list, MASK) ?? ALL)) << 3)
}

function permissionsIn(list: ByteString, tag: number): number | undefined {
  return entriesOf(list).find((entry) => entry.tag === tag)?.permissions
}

function kindOf({ tag }: ListEntry): ListedAccount['kind'] | null {
  return tag === USER ? 'user' : tag === GROUP ? 'group' : null
}

function entriesOf(list: ByteString): ListEntry[] {
  const entries: ListEntry[] = []
  for (let start = HEAD_BYTES; start + ENTRY_BYTES <= list.length; start += ENTRY_BYTES) {
    const tag = number(list, start, 2)
    entries.push({
      tag,
      permissions: number(list, start + 2, 2),
      id: number(list, start + 4, 4),
    })
  }
  return entries
}

function encoded(entries: readonly ListEntry[]): ByteString {
  let bytes = text(VERSION, 4)
  for (const { tag, permissions, id } of entries)
    bytes += text(tag, 2) + text(permissions, 2) + text(id, 4)
  return bytes as ByteString
}

function number(bytes: ByteString, start: number, length: number): number {
  let value = 0
  for (let index = length - 1; index >= 0; index--)
    value = value * 256 + bytes.charCodeAt(start + index)
  return value
}

function text(value: number, length: number): string {
  let bytes = ''
  for (let rest = value; bytes.length < length; rest = Math.floor(rest / 256))
    bytes += String.fromCharCode(rest % 256)
  return bytes
}
