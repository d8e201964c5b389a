import type { ByteString } from '../core/base/byte-string.ts'
import type { HintKind } from '../core/change/hint.ts'

const IN_MODIFY = 0x2
const IN_ATTRIB = 0x4
const IN_CLOSE_WRITE = 0x8
export const IN_MOVED_FROM = 0x40
const IN_MOVED_TO = 0x80
const IN_CREATE = 0x100
const IN_DELETE = 0x200
export const IN_DELETE_SELF = 0x400
export const IN_MOVE_SELF = 0x800
export const IN_UNMOUNT = 0x2000
export const IN_Q_OVERFLOW = 0x4000
export const IN_IGNORED = 0x8000
const IN_ONLYDIR = 0x01000000
const IN_DONT_FOLLOW = 0x02000000
const IN_EXCL_UNLINK = 0x04000000
export const IN_ISDIR = 0x40000000

/** IN_MODIFY is for files that are kept open for ever, like logs; all others are told by IN_CLOSE_WRITE. */
export const WATCH_MASK =
  IN_MODIFY |
  IN_ATTRIB |
  IN_CLOSE_WRITE |
  IN_MOVED_FROM |
  IN_MOVED_TO |
  IN_CREATE |
  IN_DELETE |
  IN_DELETE_SELF |
  IN_MOVE_SELF |
  IN_ONLYDIR |
  IN_DONT_FOLLOW |
  IN_EXCL_UNLINK

/** One record of an inotify descriptor. The name is empty where the event is about the watched folder itself. */
export interface InotifyEvent {
  readonly watch: number
  readonly mask: number
  readonly cookie: number
  readonly name: ByteString
}

/** Takes apart what one read gave; the kernel writes whole records only. */
export function parseInotifyEvents(bytes: Buffer): InotifyEvent[] {
  const events: InotifyEvent[] = []
  for (let start = 0; start + 16 <= bytes.length;) {
    const nameBytes = bytes.readUInt32LE(start + 12)
    const end = start + 16 + nameBytes
    const zero = bytes.indexOf(0, start + 16)
    const nameEnd = zero < 0 || zero > end ? end : zero
    events.push({
      watch: bytes.readInt32LE(start),
      mask: bytes.readUInt32LE(start + 4),
      cookie: bytes.readUInt32LE(start + 8),
      name: bytes.toString('latin1', start + 16, nameEnd) as ByteString,
    })
    start = end
  }
  return events
}

const KINDS: readonly (readonly [mask: number, kind: HintKind])[] = [
  [IN_CREATE, 'created'],
  [IN_MOVED_TO, 'movedTo'],
  [IN_MOVED_FROM, 'movedFrom'],
  [IN_DELETE, 'removed'],
  [IN_CLOSE_WRITE, 'closed'],
  [IN_MODIFY, 'changed'],
  [IN_ATTRIB, 'attributes'],
]

/** What an event means to detection; null where it only concerns the watch itself. */
export function hintKind(mask: number): HintKind | null {
  return KINDS.find(([bits]) => (mask & bits) !== 0)?.[1] ?? null
}
