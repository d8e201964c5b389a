const FIRST_MS = 200
const MAX_MS = 30_000

/**
 * How long to wait before the next attempt, in milliseconds: doubling from 0.2 s to 30 s, of which a random part between
 * half and all, so that a fleet does not come back in one instant. `attempt` counts from 0; `random` gives 0 to 1.
 */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt, 16))
  return Math.round(ceiling * (0.5 + random() / 2))
}
