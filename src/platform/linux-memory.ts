import { ptr } from 'bun:ffi'

/**
 * Memory that calls read from and write to. It is made once per thread and calls are synchronous, so each part is valid
 * from one call to the next and never longer.
 */
const NAME_BYTES = 4608
const DIRENT_BYTES = 64 << 10
const PLACES = {
  name: 0,
  otherName: NAME_BYTES,
  how: 2 * NAME_BYTES,
  times: 2 * NAME_BYTES + 64,
  statx: 2 * NAME_BYTES + 128,
  link: 2 * NAME_BYTES + 512,
  dirents: 3 * NAME_BYTES + 512,
} as const

const memory = new ArrayBuffer(PLACES.dirents + DIRENT_BYTES)
const base: number = ptr(new Uint8Array(memory))
const at = (place: keyof typeof PLACES): number => base + PLACES[place]

const nameBytes = Buffer.from(memory, PLACES.name, NAME_BYTES)
const otherNameBytes = Buffer.from(memory, PLACES.otherName, NAME_BYTES)

/** An address that holds the empty name, for calls on a descriptor itself. */
export const EMPTY_NAME = base + PLACES.times + 32

/** Puts a path there for the next call and gives its address. A longer one is cut at a length that the kernel refuses. */
export function nameAddress(path: string): number {
  nameBytes[nameBytes.write(path, 0, NAME_BYTES - 1, 'latin1')] = 0
  return at('name')
}

/** The same for the second path of a call. */
export function otherNameAddress(path: string): number {
  otherNameBytes[otherNameBytes.write(path, 0, NAME_BYTES - 1, 'latin1')] = 0
  return at('otherName')
}

const how = new Uint32Array(memory, PLACES.how, 6)
export const HOW_BYTES = 24

/** Puts the `open_how` of openat2 there; all values fit the lower halves. */
export function howAddress(flags: number, mode: number, resolve: number): number {
  how[0] = flags
  how[2] = mode
  how[4] = resolve
  return at('how')
}

const times = new BigInt64Array(memory, PLACES.times, 4)

/** Puts the two times of utimensat there: access stays as it is. The mtime is in nanoseconds; null leaves it too. */
export function timesAddress(mtimeNs: bigint | null, omit: bigint): number {
  const rest = mtimeNs === null ? omit : ((mtimeNs % NS_PER_S) + NS_PER_S) % NS_PER_S
  times[1] = omit
  times[2] = mtimeNs === null ? 0n : (mtimeNs - rest) / NS_PER_S
  times[3] = rest
  return at('times')
}

export const NS_PER_S = 1_000_000_000n

/** What statx answered, by the offsets of its structure. */
export const statxAddress = at('statx')
export const statxView = new DataView(memory, PLACES.statx, 256)
export const statxTimes = new BigInt64Array(memory, PLACES.statx, 32)

export const linkAddress = at('link')
export const LINK_BYTES = NAME_BYTES
export const linkBytes = Buffer.from(memory, PLACES.link, LINK_BYTES)

export const direntAddress = at('dirents')
export const direntBytes = Buffer.from(memory, PLACES.dirents, DIRENT_BYTES)
