/** The time and waiting. Everything that needs either takes a clock, so that a test can be its own. */
export interface Clock {
  /** Milliseconds since 1970 UTC; may jump when the host's clock is set. */
  nowMs(): number
  /** Resolves after `delayMs`, or at once when the signal is aborted: look at the signal afterwards. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** The clock of this host. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const finish = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', finish)
        resolve()
      }
      const timer = setTimeout(finish, delayMs)
      signal?.addEventListener('abort', finish, { once: true })
    }),
}

/** Gives a time in milliseconds since 1970 as ISO 8601 in UTC with milliseconds. */
export function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
