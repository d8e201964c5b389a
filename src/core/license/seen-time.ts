/** Readings of the clock at regular steps, newest last, and the latest time that counts as seen. */
export interface SeenTime {
  readonly latestSeenMs: number
  readonly readings: readonly number[]
}

/** A time counts once the clock held it this many readings long: a start with a wrong clock locks nobody out. */
export const READINGS_UNTIL_SEEN = 10

/** Takes one more reading of the clock; the latest time seen never goes back. */
export function noteTime(seen: SeenTime, nowMs: number): SeenTime {
  const readings = [...seen.readings, nowMs].slice(-READINGS_UNTIL_SEEN)
  if (readings.length < READINGS_UNTIL_SEEN) return { ...seen, readings }
  return { readings, latestSeenMs: Math.max(seen.latestSeenMs, Math.min(...readings)) }
}
