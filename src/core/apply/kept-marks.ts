import type { ContentHash } from '../change/entry.ts'
import type { KeptContent, OwnContent } from './inbound.ts'

/** Below this nothing is kept. */
const FIRST_MARK_BYTES = 1 << 20
/** Marks between a number of bytes and its double: what is lost by going on at a mark is one part of so many. */
const MARKS_PER_OCTAVE = 32

/**
 * Several servers go on with one file from where all of them have it. For that each knows its hash at the same marks,
 * which do not depend on how much of the file is here. Gives the last mark that is not behind so many bytes, 0 before the
 * first.
 */
export function markBelow(bytes: number): number {
  if (bytes < FIRST_MARK_BYTES) return 0
  const step = stepAt(bytes)
  return Math.floor(bytes / step) * step
}

/** The first mark behind so many bytes. */
export function markAfter(bytes: number): number {
  return bytes < FIRST_MARK_BYTES ? FIRST_MARK_BYTES : markBelow(bytes) + stepAt(bytes)
}

function stepAt(bytes: number): number {
  return 2 ** Math.floor(Math.log2(bytes)) / MARKS_PER_OCTAVE
}

/** What this server and all below it have of the same contents, as far as it can be gone on with by all of them. */
export function commonKept(
  own: readonly OwnContent[],
  below: readonly (readonly KeptContent[])[],
): KeptContent[] {
  return own.flatMap(({ seq, bytes, hashAt }): KeptContent[] => {
    const theirs = below.map((kept) => kept.find((one) => one.seq === seq)?.bytes ?? 0)
    const common = markBelow(Math.min(bytes, ...theirs))
    const hash: ContentHash | null = common === 0 ? null : hashAt(common)
    return hash === null ? [] : [{ seq, bytes: common, hash }]
  })
}
