import type { ByteString } from '../base/byte-string.ts'
import type { ErrorCode } from '../base/errors.ts'

/** What of a path's attributes is read, or set, beside its stat. */
export interface AttributeKinds {
  readonly xattrs: boolean
  readonly acls: boolean
}

/** An extended attribute: its name with the namespace, and its bytes. */
export interface Attribute {
  readonly name: ByteString
  readonly value: ByteString
}

/** Why the source cannot tell the attributes of a path. */
type XattrTrouble = Extract<ErrorCode, 'XATTRS_TOO_LARGE' | 'XATTRS_UNREADABLE'>
type AclTrouble = Extract<ErrorCode, 'ACLS_UNREADABLE'>

/** The access lists of a path as Linux gives them (see `access-list.ts`); null for one that says no more than the mode. */
export interface AccessLists {
  readonly access: ByteString | null
  /** What new files in a folder begin with. */
  readonly inherited: ByteString | null
}

/** The attributes of a path, of each kind that a policy sends; what is not sent is null and means nothing. */
export interface Attributes {
  /** In order of name, each name once. */
  readonly xattrs: readonly Attribute[] | XattrTrouble | null
  readonly acls: AccessLists | AclTrouble | null
}

/**
 * Tells whether an extended attribute travels: what users and programs attach, and the privileges of a program, which
 * are like its set-id bits. The rest is about the host that it lies on: labels, `trusted.*` of overlays and the like.
 */
export function isSentXattr(name: ByteString): boolean {
  return (name.startsWith('user.') && name.length > 5) || name === 'security.capability'
}

/** The names under which Linux keeps access lists. */
export const ACCESS_LIST = 'system.posix_acl_access' as ByteString
export const INHERITED_LIST = 'system.posix_acl_default' as ByteString

/** Tells whether attributes speak of exactly these kinds. */
export function areOfKinds(
  attributes: Attributes | undefined,
  kinds: AttributeKinds | null,
): boolean {
  const has = { xattrs: attributes?.xattrs ?? null, acls: attributes?.acls ?? null }
  return (
    (has.xattrs !== null) === (kinds?.xattrs ?? false) &&
    (has.acls !== null) === (kinds?.acls ?? false)
  )
}

/** Tells whether two say the same, and of the same kinds. */
export function areAlike(left: Attributes | undefined, right: Attributes | undefined): boolean {
  if (left === right) return true
  if (left === undefined || right === undefined) return false
  return areXattrsAlike(left.xattrs, right.xattrs) && areListsAlike(left.acls, right.acls)
}

function areXattrsAlike(left: Attributes['xattrs'], right: Attributes['xattrs']): boolean {
  if (left === null || right === null) return left === right
  if (typeof left === 'string' || typeof right === 'string') return left === right
  return (
    left.length === right.length &&
    left.every(
      ({ name, value }, index) => right[index]?.name === name && right[index].value === value,
    )
  )
}

function areListsAlike(left: Attributes['acls'], right: Attributes['acls']): boolean {
  if (left === null || right === null) return left === right
  if (typeof left === 'string' || typeof right === 'string') return left === right
  return left.access === right.access && left.inherited === right.inherited
}

/** The access lists of a path where they are known and sent. */
export function listsOf(attributes: Attributes | undefined): AccessLists | null {
  const acls = attributes?.acls ?? null
  return typeof acls === 'string' ? null : acls
}

/** About how many bytes they take on the wire. */
export function attributeBytes(attributes: Attributes): number {
  const { xattrs } = attributes
  const lists = listsOf(attributes)
  const ofLists = (lists?.access?.length ?? 0) + (lists?.inherited?.length ?? 0)
  if (xattrs === null || typeof xattrs === 'string') return ofLists
  return xattrs.reduce((sum, { name, value }) => sum + name.length + value.length + 8, ofLists)
}
