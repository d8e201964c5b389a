import { existsSync, readFileSync, rmSync } from 'node:fs'

import { toAppError } from '../core/base/errors.ts'
import { type AgentConfig, masterMessage } from '../core/wire/control.ts'
import type { DataDirectory } from '../platform/data-dir.ts'
import type { Logger } from '../platform/log.ts'

const CONFIG_FILE = 'config.json'

/**
 * Keeps the newest configuration, so that after a restart the agent watches and receives without the master. Its lease
 * goes with it: what was not allowed before a restart is not allowed after it.
 */
export class ConfigStore {
  readonly #directory: DataDirectory
  readonly #log: Logger

  constructor(directory: DataDirectory, log: Logger) {
    this.#directory = directory
    this.#log = log
  }

  /** The configuration of the last run; null where there is none, or none that this version understands. */
  load(): AgentConfig | null {
    const path = this.#directory.file(CONFIG_FILE)
    if (!existsSync(path)) return null
    try {
      const message = masterMessage.parse(JSON.parse(readFileSync(path, 'utf8')))
      if (message.type === 'config') return message
    } catch (thrown) {
      this.#log.warn('the kept configuration cannot be read; waiting for the master', {
        error: toAppError(thrown),
      })
    }
    return null
  }

  /** Durably, before anything acts on it. */
  save(config: AgentConfig): void {
    this.#directory.write(CONFIG_FILE, JSON.stringify(config))
  }

  /** A revoked agent must not take up its work again while the master is away. */
  forget(): void {
    rmSync(this.#directory.file(CONFIG_FILE), { force: true })
  }
}
