/** Waits until `condition` gives a value that is neither null nor false; throws with `what` when the time is over. */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T | null | false> | T | null | false,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let lastError: unknown = null
  for (;;) {
    try {
      const value = await condition()
      if (value !== null && value !== false) return value
      lastError = null
    } catch (error) {
      lastError = error
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause: lastError })
    }
    await Bun.sleep(20)
  }
}

/** A loopback port that is free now. */
export function freePort(): number {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const { port } = server
  server.stop(true)
  return port
}
