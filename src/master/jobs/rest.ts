/** A target that broke a stream is served directly for so long the first time, and twice as long each time after that. */
const REST_FIRST_MS = 60_000
const REST_MAX_MS = 600_000
/** Streams that it broke longer ago than that count no more. */
const FORGET_MS = 3_600_000

/** Streams that a target broke, one after another. */
export interface BrokenStreams {
  readonly count: number
  readonly lastAtMs: number
}

/** Counts one more. */
export function oneMoreBroken(before: BrokenStreams | null, nowMs: number): BrokenStreams {
  const isKnown = before !== null && Math.abs(nowMs - before.lastAtMs) < FORGET_MS
  return { count: isKnown ? before.count + 1 : 1, lastAtMs: nowMs }
}

/** Tells whether a target still rests: a link that was cut is whole again soon, while what is slow stays so. */
export function isResting(broken: BrokenStreams | null, nowMs: number): boolean {
  if (broken === null) return false
  const restMs = Math.min(REST_MAX_MS, REST_FIRST_MS * 2 ** (broken.count - 1))
  // A clock that was set back must keep nobody resting.
  return Math.abs(nowMs - broken.lastAtMs) < restMs
}
