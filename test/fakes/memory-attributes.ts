import type { ByteString } from '../../src/core/base/byte-string.ts'
import {
  ACCESS_LIST,
  type Attribute,
  type AttributeKinds,
  type Attributes,
  INHERITED_LIST,
  isSentXattr,
} from '../../src/core/change/attributes.ts'
import { inheritedList, isPlainList, shownMode, withMode } from './access-lists.ts'
import type { Node } from './memory-disk.ts'

// What Linux does with attributes, on the nodes of a disk in memory.

const PRIVILEGES = 'security.capability' as ByteString

/** The attributes of these kinds. */
export function attributesOf({ attributes }: Node, kinds: AttributeKinds): Attributes {
  const access = attributes.get(ACCESS_LIST) ?? null
  const inherited = attributes.get(INHERITED_LIST) ?? null
  return {
    xattrs: kinds.xattrs ? xattrsOf(attributes) : null,
    acls: kinds.acls ? { access, inherited } : null,
  }
}

function xattrsOf(attributes: ReadonlyMap<ByteString, ByteString>): Attribute[] {
  return [...attributes.keys()]
    .filter(isSentXattr)
    .toSorted()
    .map((name) => ({ name, value: attributes.get(name) ?? ('' as ByteString) }))
}

/** Sets or removes an attribute. An access list changes the mode with it, and one that says no more than that is none. */
export function putAttribute(
  node: Node,
  { name, value }: { readonly name: ByteString; readonly value: ByteString | null },
  nowNs: bigint,
): void {
  node.ctimeNs = nowNs
  if (value === null) {
    node.attributes.delete(name)
    return
  }
  if (name === ACCESS_LIST) node.mode = (node.mode & 0o7000) | shownMode(value)
  if (name === ACCESS_LIST && isPlainList(value)) node.attributes.delete(name)
  else node.attributes.set(name, value)
}

/** Sets the mode; of an access list it changes the mask. */
export function changeMode(node: Node, mode: number): void {
  node.mode = mode
  const list = node.attributes.get(ACCESS_LIST)
  if (list !== undefined) node.attributes.set(ACCESS_LIST, withMode(list, mode))
}

/** Gives a node away, which takes its privileges. */
export function changeOwner(
  node: Node,
  owner: { readonly uid: number; readonly gid: number },
): void {
  Object.assign(node, owner, { mode: node.mode & 0o1777 })
  node.attributes.delete(PRIVILEGES)
}

/** What is made in a folder begins with what that hands down. */
export function inherit(folder: Node, made: Node): void {
  const handedDown = folder.attributes.get(INHERITED_LIST)
  if (handedDown === undefined || made.type === 'symlink') return
  const list = inheritedList(handedDown, made.mode)
  made.mode = (made.mode & 0o7000) | shownMode(list)
  if (!isPlainList(list)) made.attributes.set(ACCESS_LIST, list)
  if (made.type === 'directory') made.attributes.set(INHERITED_LIST, handedDown)
}
