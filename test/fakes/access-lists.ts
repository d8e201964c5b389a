import type { ByteString } from '../../src/core/base/byte-string.ts'

/** Tags in the order in which the kernel wants them. */
const TAGS = { u: 0x01, user: 0x02, g: 0x04, group: 0x08, m: 0x10, o: 0x20 } as const
const NO_ID = 0xffff_ffff

interface Line {
  readonly tag: number
  readonly id: number
  readonly permissions: number
}

/** Makes an access list from lines such as `u::rw-`, `u:1001:r--`, `g::---`, `m::rw-`, `o::---`. */
export function accessList(...lines: readonly string[]): ByteString {
  return encode(lines.map(parse))
}

function parse(line: string): Line {
  const [kind = '', id = '', letters = ''] = line.split(':')
  const tag = id === '' ? TAGS[kind as 'u'] : TAGS[kind === 'u' ? 'user' : 'group']
  const permissions = Array.from(letters).reduce(
    (sum, letter) => sum * 2 + (letter === '-' ? 0 : 1),
    0,
  )
  return { tag, id: id === '' ? NO_ID : Number(id), permissions }
}

function encode(lines: readonly Line[]): ByteString {
  const bytes = Buffer.alloc(4 + 8 * lines.length)
  bytes.writeUInt32LE(2)
  for (const [index, { tag, permissions, id }] of lines.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * index)
    bytes.writeUInt16LE(permissions, 6 + 8 * index)
    bytes.writeUInt32LE(id, 8 + 8 * index)
  }
  return bytes.toString('latin1') as ByteString
}

function decode(list: ByteString): Line[] {
  const bytes = Buffer.from(list, 'latin1')
  return Array.from({ length: (bytes.length - 4) / 8 }, (_, index) => ({
    tag: bytes.readUInt16LE(4 + 8 * index),
    permissions: bytes.readUInt16LE(6 + 8 * index),
    id: bytes.readUInt32LE(8 + 8 * index),
  }))
}

/** Whether a list says no more than a mode. */
export function isPlainList(list: ByteString): boolean {
  return decode(list).every(({ tag }) => tag === TAGS.u || tag === TAGS.g || tag === TAGS.o)
}

/** The permissions that a file with this list shows. */
export function shownMode(list: ByteString): number {
  const lines = decode(list)
  const of = (tag: number) => lines.find((line) => line.tag === tag)?.permissions
  return ((of(TAGS.u) ?? 0) << 6) | ((of(TAGS.m) ?? of(TAGS.g) ?? 0) << 3) | (of(TAGS.o) ?? 0)
}

/** The list after a change of mode, which reaches the mask alone where there is one. */
export function withMode(list: ByteString, mode: number): ByteString {
  return remade(list, mode, (_had, asked) => asked)
}

/** The list that something made with a mode begins with in a folder that hands down `list`. */
export function inheritedList(list: ByteString, mode: number): ByteString {
  return remade(list, mode, (had, asked) => had & asked)
}

function remade(
  list: ByteString,
  mode: number,
  permissions: (had: number, asked: number) => number,
): ByteString {
  const lines = decode(list)
  const hasMask = lines.some(({ tag }) => tag === TAGS.m)
  const shifts: Record<number, number> = {
    [TAGS.u]: 6,
    [hasMask ? TAGS.m : TAGS.g]: 3,
    [TAGS.o]: 0,
  }
  return encode(
    lines.map((line) => {
      const shift = shifts[line.tag]
      if (shift === undefined) return line
      return { ...line, permissions: permissions(line.permissions, (mode >> shift) & 7) }
    }),
  )
}
