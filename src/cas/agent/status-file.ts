import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

import { toAppError } from '../../core/base/errors.ts'
import type { Logger } from '../../platform/log.ts'
import { type AgentStatus, agentStatus } from './status.ts'

/** How often a running agent looks for news of itself; with very many bindings less often, see `#again`. */
const EVERY_MS = 250
const COST_SHARE = 50
/** How often it renews the file without news; three times that without, and it counts as not running. */
const ALIVE_EVERY_MS = 5000
const STALE_MS = 3 * ALIVE_EVERY_MS

/** Keeps a file about a running agent current until `stop`; it is written only when something changed, or every 5 s. */
export class StatusFile {
  readonly #path: string
  readonly #describe: () => AgentStatus
  readonly #log: Logger
  #timer: ReturnType<typeof setTimeout> | null = null
  #last = ''
  #lastMs = 0

  constructor(path: string, describe: () => AgentStatus, log: Logger) {
    this.#path = path
    this.#describe = describe
    this.#log = log
    this.#again()
  }

  /** Takes the file away: nobody runs here any more. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    rmSync(this.#path, { force: true })
  }

  /** Writes, and again after a while: at most one part in fifty of the time goes into this. */
  #again(): void {
    const startedAt = performance.now()
    this.#write()
    const costMs = performance.now() - startedAt
    this.#timer = setTimeout(() => this.#again(), Math.max(EVERY_MS, costMs * COST_SHARE))
  }

  #write(): void {
    const status = this.#describe()
    const { at, ...rest } = status
    const text = JSON.stringify(rest)
    const nowMs = Date.parse(at)
    if (text === this.#last && Math.abs(nowMs - this.#lastMs) < ALIVE_EVERY_MS) return
    try {
      // In one step for readers, but not durably: after a power cut it has no meaning.
      writeFileSync(`${this.#path}.new`, JSON.stringify(status), { mode: 0o600 })
      renameSync(`${this.#path}.new`, this.#path)
      this.#last = text
      this.#lastMs = nowMs
    } catch (thrown) {
      this.#log.warn('the status file cannot be written', { error: toAppError(thrown) })
    }
  }
}

/** The status of the agent that runs on this data folder now, or null where none does. */
export function readStatus(path: string, nowMs: number): AgentStatus | null {
  const text = readText(path)
  if (text === null) return null
  const status = agentStatus.parse(JSON.parse(text))
  const isFresh = Math.abs(nowMs - Date.parse(status.at)) < STALE_MS
  return isFresh && isAlive(status.pid) ? status : null
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null
    throw thrown
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    // Another user's process is alive too.
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM'
  }
}
