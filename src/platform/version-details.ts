import { compress, decompress } from './compression.ts'
import { hashBytes } from './hash.ts'
import { linux } from './libc.ts'
import { watcherAddon } from './watcher-addon.ts'

/**
 * Uses everything native that the agent carries and says whether it works on this host, for `--version --json`: an
 * executable that cannot run here is found before it is enrolled. `ok`, or the reason why not.
 */
export function agentVersionDetails(): { runtime: string; natives: Record<string, string> } {
  return {
    runtime: `Bun ${Bun.version}`,
    natives: {
      lz4: outcome(() => roundTrip(1)),
      zstd: outcome(() => roundTrip(9)),
      watcher: outcome(() => typeof watcherAddon().subscribe === 'function'),
      kernel: outcome(() => linux().errno() >= 0),
    },
  }
}

function outcome(works: () => boolean): string {
  try {
    return works() ? 'ok' : 'gives wrong results'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function roundTrip(level: number): boolean {
  const bytes = new TextEncoder().encode('round trip '.repeat(100))
  const plain = decompress(level === 1 ? 'lz4' : 'zstd', compress(level, bytes), bytes.length)
  return hashBytes(plain) === hashBytes(bytes)
}
