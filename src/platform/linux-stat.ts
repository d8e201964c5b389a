import type { ByteString } from '../core/base/byte-string.ts'
import type { FileState, FileType } from '../core/change/entry.ts'
import type { Linux } from './libc.ts'
import {
  EMPTY_NAME,
  LINK_BYTES,
  NS_PER_S,
  linkAddress,
  linkBytes,
  nameAddress,
  statxAddress,
  statxTimes,
  statxView,
} from './linux-memory.ts'
import { AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW } from './linux-numbers.ts'

const STATX_BASIC_STATS_AND_BTIME = 0xfff
const STATX_BTIME = 0x800
const STATX_ATTR_MOUNT_ROOT = 0x2000n

const TYPES: Readonly<Record<number, FileType>> = {
  0o100000: 'file',
  0o040000: 'directory',
  0o120000: 'symlink',
  0o010000: 'fifo',
}

/** Asks about the object of a descriptor, links too where it was opened with O_PATH; false with errno set on failure. */
export function statDescriptor(kernel: Linux, descriptor: number): boolean {
  const { call, numbers } = kernel
  const mask = STATX_BASIC_STATS_AND_BTIME
  const result = call(numbers.statx, descriptor, EMPTY_NAME, AT_EMPTY_PATH, mask, statxAddress, 0)
  return result === 0
}

/** Asks about a name in an open folder, never about what a link points to; 0, or -1 with errno set. */
export function statName({ call, numbers }: Linux, folder: number, name: ByteString): number {
  const mask = STATX_BASIC_STATS_AND_BTIME
  const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
  return call(numbers.statx, folder, nameAddress(name), flags, mask, statxAddress, 0)
}

/** The type that the last answer tells; null for sockets and devices. */
export function answeredType(): FileType | null {
  return TYPES[answeredMode() & 0o170000] ?? null
}

/** The last answer without the target of a link. */
export function answeredState(type: FileType): FileState {
  return {
    type,
    size: type === 'file' ? Number(statxTimes[5] ?? 0n) : 0,
    mode: answeredMode() & 0o7777,
    uid: statxView.getUint32(20, true),
    gid: statxView.getUint32(24, true),
    mtimeNs: answeredTime(112),
    ctimeNs: answeredTime(96),
    birthNs: (statxView.getUint32(0, true) & STATX_BTIME) === 0 ? 0n : answeredTime(80),
    device: answeredDevice(),
    inode: statxView.getBigUint64(32, true),
    linkCount: statxView.getUint32(16, true),
    linkTarget: null,
  }
}

/** Whether the last answer was about the root of a mounted file system. */
export function answeredMountRoot(): boolean {
  return (statxView.getBigUint64(8, true) & STATX_ATTR_MOUNT_ROOT) !== 0n
}

/** Where the link of an O_PATH descriptor points; null with errno set on failure. */
export function readLink(kernel: Linux, descriptor: number): ByteString | null {
  const { call, numbers } = kernel
  const length = call(numbers.readlinkat, descriptor, EMPTY_NAME, linkAddress, LINK_BYTES, 0, 0)
  return length < 0 ? null : (linkBytes.toString('latin1', 0, length) as ByteString)
}

function answeredMode(): number {
  return statxView.getUint16(28, true)
}

function answeredTime(offset: number): bigint {
  const seconds = statxTimes[offset / 8] ?? 0n
  return seconds * NS_PER_S + BigInt(statxView.getUint32(offset + 8, true))
}

/** The device of the answer before: nearly always that of this one too. */
const last = { major: 0, minor: 0, device: 0n }

function answeredDevice(): bigint {
  const major = statxView.getUint32(136, true)
  const minor = statxView.getUint32(140, true)
  if (major === last.major && minor === last.minor) return last.device
  return Object.assign(last, { major, minor, device: deviceOf(BigInt(major), BigInt(minor)) })
    .device
}

/** One number as the C library makes it of major and minor. */
function deviceOf(major: bigint, minor: bigint): bigint {
  return (
    ((major & 0xfffff000n) << 32n) |
    ((major & 0xfffn) << 8n) |
    ((minor & 0xffffff00n) << 12n) |
    (minor & 0xffn)
  )
}
