import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type LicenseAuthority, withLicenseAuthority } from '../../../src/authority/authority.ts'
import { createLicenseAuthority } from '../../../src/authority/authority.ts'
import { issueInstallLicense, issueSiteLicense } from '../../../src/authority/issue.ts'
import { registerSite } from '../../../src/authority/sites.ts'
import { openMasterDatabase } from '../../../src/master/db/database.ts'
import type { MasterData } from '../../../src/master/license/commands/master-data.ts'
import {
  createInstallationKey,
  openInstallation,
} from '../../../src/master/license/installation.ts'
import { LicenseService } from '../../../src/master/license/license-service.ts'
import { trustLicenseKey } from '../../../src/master/license/trusted-key.ts'
import type { Clock } from '../../../src/platform/clock.ts'
import { createDataDirectory } from '../../../src/platform/data-dir.ts'
import { createLogger } from '../../../src/platform/log.ts'

export const NOW_MS = Date.parse('2026-11-23T14:00:00Z')
export const LIMITS = { regions: 2, groups: 3, cas: 4, cms: 5 }

/** A clock that stands until it is moved; those who sleep on it wake up when it is moved past their time. */
class ManualClock implements Clock {
  #nowMs: number
  #sleepers: { readonly wakeAtMs: number; readonly wake: () => void }[] = []

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs
    const due = this.#sleepers.filter(({ wakeAtMs }) => wakeAtMs <= nowMs)
    this.#sleepers = this.#sleepers.filter(({ wakeAtMs }) => wakeAtMs > nowMs)
    for (const { wake } of due) wake()
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      signal?.addEventListener('abort', () => resolve(), { once: true })
      this.#sleepers.push({ wakeAtMs: this.#nowMs + delayMs, wake: resolve })
    })
  }
}

/** A licence authority in a folder of its own. */
export interface TestAuthority {
  readonly path: string
  readonly clock: ManualClock
  readonly publicKey: string
  run<T>(work: (authority: LicenseAuthority) => Promise<T>): Promise<T>
  /** Registers a new site, to be used with `files`. */
  register(wanted?: { readonly days?: number; readonly graceDays?: number }): Promise<string>
  /** Both files of a site for whoever made the request. */
  files(
    siteId: string,
    request: string,
  ): Promise<{ readonly site: string; readonly install: string }>
}

/** A master's folder and database with the licence as a running master has it. */
export interface TestMaster {
  readonly license: LicenseService
  readonly clock: ManualClock
  readonly database: Awaited<ReturnType<typeof openMasterDatabase>>
  /** The same folder, opened as by another process. */
  reopen(): Promise<LicenseService>
  /** What a command on the data folder is given. */
  readonly data: MasterData
}

/** Everything a test makes, gone at its end. */
export class LicenseWorld {
  readonly #root = mkdtempSync(join(tmpdir(), 'cd-licence-'))
  readonly #closing: (() => Promise<void>)[] = []
  #count = 0

  async authority(nowMs = NOW_MS): Promise<TestAuthority> {
    const path = join(this.#root, `authority-${++this.#count}`)
    const clock = new ManualClock(nowMs)
    await createLicenseAuthority(path, clock)
    const run = <T>(work: (authority: LicenseAuthority) => Promise<T>) =>
      withLicenseAuthority(path, clock, work)
    const register = ({ days = 30, graceDays = 14 } = {}) =>
      run((authority) =>
        registerSite(authority, {
          company: 'Company',
          site: `Site ${++this.#count}`,
          limits: LIMITS,
          days,
          graceDays,
        }),
      )
    const files = (siteId: string, request: string) =>
      run(async (authority) => ({
        site: (await issueSiteLicense(authority, siteId)).token,
        install: (await issueInstallLicense(authority, siteId, { name: 'request', text: request }))
          .token,
      }))
    const publicKey = await run(async ({ key }) => JSON.stringify(key.publicKey))
    return { path, clock, publicKey, run, register, files }
  }

  async master(...trusted: readonly TestAuthority[]): Promise<TestMaster> {
    const path = join(this.#root, `master-${++this.#count}`)
    const clock = new ManualClock(NOW_MS)
    const id = `installation-${this.#count}`
    const directory = await createDataDirectory(path, 'master', async (made) => {
      await createInstallationKey(made)
      return made
    })
    const log = createLogger({ level: 'error' })
    const open = async () => {
      const database = await openMasterDatabase(directory.file('master.db'))
      this.#closing.push(() => database.close())
      const installation = await openInstallation(directory, id)
      return {
        database,
        license: await LicenseService.open({ database, installation, clock, log }),
      }
    }
    const first = await open()
    for (const { publicKey } of trusted) {
      await trustLicenseKey(first.database, { name: 'key', text: publicKey }, NOW_MS)
    }
    const data = { directory, database: first.database, installationId: id }
    return { ...first, clock, data, reopen: async () => (await open()).license }
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close()
    rmSync(this.#root, { recursive: true, force: true })
  }
}

/** Files as `LicenseService.add` takes them. */
export function offered(files: Readonly<Record<string, string>>) {
  return Object.entries(files).map(([name, text]) => ({ name, text }))
}
