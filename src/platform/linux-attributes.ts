import type { AttributeRefusal } from '../core/apply/target-tree.ts'
import type { ByteString } from '../core/base/byte-string.ts'
import { ACL_BYTES_MAX, XATTR_BYTES_MAX } from '../core/base/limits.ts'
import {
  ACCESS_LIST,
  type AccessLists,
  type Attribute,
  type AttributeKinds,
  type Attributes,
  INHERITED_LIST,
  isSentXattr,
} from '../core/change/attributes.ts'
import { type Linux, addressOf, errnoName } from './libc.ts'
import { nameAddress, otherNameAddress } from './linux-memory.ts'
import type { MetadataOwner } from './linux-metadata.ts'

/** The kernel gives no longer list of names and no longer value than this. */
const VALUE_BYTES = 64 << 10
if (VALUE_BYTES < XATTR_BYTES_MAX || VALUE_BYTES < ACL_BYTES_MAX)
  throw new Error('an attribute that may travel does not fit the memory for it')

/** Made when the first attribute is read, once per thread; valid from one call to the next and never longer. */
let valueMemory: Buffer | null = null

/** Why attributes could not be read or set: the name of the error. */
export class AttributeFailure {
  readonly errno: string

  constructor(errno: string) {
    this.errno = errno
  }
}

/** Reads the attributes of what a descriptor stands for. Those that the file system does not have are none. */
export function readAttributes(
  kernel: Linux,
  owner: MetadataOwner,
  kinds: AttributeKinds,
): Attributes | AttributeFailure {
  const names = namesOf(kernel, owner)
  if (names instanceof AttributeFailure) return names
  const xattrs = kinds.xattrs ? readXattrs(kernel, owner, names) : null
  if (xattrs instanceof AttributeFailure) return xattrs
  const acls = kinds.acls ? readLists(kernel, owner, names) : null
  return acls instanceof AttributeFailure ? acls : { xattrs, acls }
}

/** Sets an attribute, or with null removes it; what is not there counts as removed. */
export function changeAttribute(
  kernel: Linux,
  owner: MetadataOwner,
  { name, value }: { readonly name: ByteString; readonly value: ByteString | null },
): AttributeRefusal | AttributeFailure | null {
  const done = value === null ? remove(kernel, owner, name) : set(kernel, owner, { name, value })
  if (done) return null
  const errno = errnoName(kernel.errno())
  if (value === null && isAbsent(errno)) return null
  return REFUSALS[errno] ?? new AttributeFailure(errno)
}

/** What a file system or a lack of rights refuses; what is not here is a failure of this one try. */
const REFUSALS: Readonly<Record<string, AttributeRefusal>> = {
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  // Access lists with accounts that the mount cannot express.
  EINVAL: 'unsupported',
  EPERM: 'forbidden',
  EACCES: 'forbidden',
  // Also where the disk is full.
  ENOSPC: 'noRoom',
  EDQUOT: 'noRoom',
  E2BIG: 'noRoom',
  ERANGE: 'noRoom',
}

function readXattrs(
  kernel: Linux,
  owner: MetadataOwner,
  names: readonly ByteString[],
): Attributes['xattrs'] | AttributeFailure {
  const xattrs: Attribute[] = []
  let bytes = 0
  for (const name of names.filter(isSentXattr).toSorted()) {
    const value = valueOf(kernel, owner, name)
    if (value instanceof AttributeFailure) {
      if (value.errno === 'EACCES' || value.errno === 'EPERM') return 'XATTRS_UNREADABLE'
      return value
    }
    if (value === null) continue
    bytes += name.length + value.length
    if (bytes > XATTR_BYTES_MAX) return 'XATTRS_TOO_LARGE'
    xattrs.push({ name, value })
  }
  return xattrs
}

function readLists(
  kernel: Linux,
  owner: MetadataOwner,
  names: readonly ByteString[],
): AccessLists | AttributeFailure {
  const read = (name: ByteString) => (names.includes(name) ? valueOf(kernel, owner, name) : null)
  const access = read(ACCESS_LIST)
  if (access instanceof AttributeFailure) return access
  const inherited = read(INHERITED_LIST)
  return inherited instanceof AttributeFailure ? inherited : { access, inherited }
}

function namesOf(kernel: Linux, owner: MetadataOwner): ByteString[] | AttributeFailure {
  const { call, numbers } = kernel
  const memory = values()
  const [address, size] = [addressOf(memory), memory.length]
  const length = owner.isPath
    ? call(numbers.listxattr, throughProc(owner), address, size, 0, 0, 0)
    : call(numbers.flistxattr, owner.descriptor, address, size, 0, 0, 0)
  if (length < 0) {
    const errno = errnoName(kernel.errno())
    return isAbsent(errno) ? [] : new AttributeFailure(errno)
  }
  // Each name ends with a NUL.
  return memory.toString('latin1', 0, length).split('\0').slice(0, -1) as ByteString[]
}

/** Null where there is none of that name. */
function valueOf(
  kernel: Linux,
  owner: MetadataOwner,
  name: ByteString,
): ByteString | AttributeFailure | null {
  const { call, numbers } = kernel
  const memory = values()
  const [address, size] = [addressOf(memory), memory.length]
  const named = otherNameAddress(name)
  const length = owner.isPath
    ? call(numbers.getxattr, throughProc(owner), named, address, size, 0, 0)
    : call(numbers.fgetxattr, owner.descriptor, named, address, size, 0, 0)
  if (length >= 0) return memory.toString('latin1', 0, length) as ByteString
  const errno = errnoName(kernel.errno())
  return isAbsent(errno) ? null : new AttributeFailure(errno)
}

function set(kernel: Linux, owner: MetadataOwner, { name, value }: Attribute): boolean {
  const { call, numbers } = kernel
  const memory = values()
  const length = memory.write(value, 0, 'latin1')
  const [named, address] = [otherNameAddress(name), addressOf(memory)]
  return owner.isPath
    ? call(numbers.setxattr, throughProc(owner), named, address, length, 0, 0) === 0
    : call(numbers.fsetxattr, owner.descriptor, named, address, length, 0, 0) === 0
}

function remove({ call, numbers }: Linux, owner: MetadataOwner, name: ByteString): boolean {
  const named = otherNameAddress(name)
  return owner.isPath
    ? call(numbers.removexattr, throughProc(owner), named, 0, 0, 0, 0) === 0
    : call(numbers.fremovexattr, owner.descriptor, named, 0, 0, 0, 0) === 0
}

/**
 * The kernel takes no O_PATH descriptor for these calls, but the name under which it shows one: that leads to the very
 * object, a link itself too, and not along a path again.
 */
function throughProc({ descriptor }: MetadataOwner): number {
  return nameAddress(`/proc/self/fd/${descriptor}`)
}

function isAbsent(errno: string): boolean {
  return errno === 'ENODATA' || errno === 'EOPNOTSUPP' || errno === 'ENOTSUP'
}

function values(): Buffer {
  valueMemory ??= Buffer.alloc(VALUE_BYTES)
  return valueMemory
}
