/** What a file system can leave out of a file at the least. */
export const HOLE_BYTES = 4096

/** A stretch of content: bytes that must be written, or so many zeros that a hole can stand for them. */
export interface Run {
  readonly kind: 'data' | 'hole'
  /** First byte and the one behind the last, within the content. */
  readonly start: number
  readonly end: number
}

/**
 * Cuts content that lies at `position` of its file into data and holes. Only whole blocks of the file are holes, since
 * part of one takes its room all the same.
 */
export function zeroRuns(bytes: Uint8Array, position: number): Run[] {
  const runs: Run[] = []
  let runStart = 0
  const first = Math.min(bytes.length, (HOLE_BYTES - (position % HOLE_BYTES)) % HOLE_BYTES)
  let isHole = false
  const turn = (at: number, next: boolean): void => {
    if (next === isHole) return
    if (at > runStart) runs.push({ kind: isHole ? 'hole' : 'data', start: runStart, end: at })
    runStart = at
    isHole = next
  }
  let at = first
  for (; at + HOLE_BYTES <= bytes.length; at += HOLE_BYTES) turn(at, isZeroBlock(bytes, at))
  if (at < bytes.length) turn(at, false)
  turn(bytes.length, !isHole)
  return runs
}

/** Tells whether content from the beginning of a file has a block that could be a hole. */
export function hasHole(bytes: Uint8Array): boolean {
  for (let at = 0; at + HOLE_BYTES <= bytes.length; at += HOLE_BYTES)
    if (isZeroBlock(bytes, at)) return true
  return false
}

/** Content that is no hole shows it, as a rule, at the first look. */
function isZeroBlock(bytes: Uint8Array, at: number): boolean {
  const end = at + HOLE_BYTES
  return bytes[at + HOLE_BYTES / 2] === 0 && isZero(bytes, at, end)
}

/** Tells whether all bytes of a stretch are zero. */
export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  if (start < end && (bytes[start] !== 0 || bytes[end - 1] !== 0)) return false
  for (let index = start; index < end; index++) if (bytes[index] !== 0) return false
  return true
}
