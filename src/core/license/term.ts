export const DAY_MS = 86_400_000

const NOON_MS = DAY_MS / 2
/** 1970-01-01 was a Thursday: the first Wednesday of the epoch is its seventh day. */
const WEDNESDAY = 6

/** From when to when a licence holds, in milliseconds since 1970 UTC; the end is the first instant it does not. */
export interface Term {
  readonly startMs: number
  readonly endMs: number
}

/** The start (UTC) of the day that holds the instant. */
export function dayStartMs(atMs: number): number {
  return Math.floor(atMs / DAY_MS) * DAY_MS
}

/**
 * The term of a licence over `days` calendar days, the day of `atMs` being the first. It ends at noon UTC on the first
 * Wednesday on or after the last day, so that nobody's licence runs out at a weekend or in the night.
 */
export function termOf(atMs: number, days: number): Term {
  const startMs = dayStartMs(atMs)
  return { startMs, endMs: endOfTermMs(startMs + (days - 1) * DAY_MS) }
}

/** Noon UTC of the first Wednesday on or after the day that holds the instant. */
export function endOfTermMs(lastDayMs: number): number {
  const day = Math.floor(lastDayMs / DAY_MS)
  const untilWednesday = (WEDNESDAY - (day % 7) + 7) % 7
  return (day + untilWednesday) * DAY_MS + NOON_MS
}
