import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the environment asks of the programs. This file is its only reader; options of commands go before it. */
export interface Environment {
  /** False where NO_COLOR is set. */
  readonly color: boolean
  /** Where this user's disposable files belong. */
  readonly cacheDirectory: string
}

/** Reads the environment of this process. */
export function readEnvironment(): Environment {
  return {
    color: (process.env['NO_COLOR'] ?? '') === '',
    cacheDirectory: join(cacheHome(), 'cd-master'),
  }
}

function cacheHome(): string {
  const stated = process.env['XDG_CACHE_HOME']
  if (stated?.startsWith('/')) return stated
  const home = homedir()
  return home === '' || home === '/' ? tmpdir() : join(home, '.cache')
}

/** These change what the runtime executes or whom it trusts; a child of ours never inherits them. */
const DANGEROUS = /^(BUN_|NODE_OPTIONS$|NODE_TLS_REJECT_UNAUTHORIZED$|LD_PRELOAD$)/

/** Gives the environment for a child process: this one's, without what would run other code inside it. */
export function childEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !DANGEROUS.test(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? '']))
}
