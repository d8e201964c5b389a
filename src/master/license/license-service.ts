import { AppError } from '../../core/base/errors.ts'
import {
  evaluateLicense,
  isLicensed,
  type LicenseState,
  type LicenseStateName,
} from '../../core/license/evaluate.ts'
import {
  checkLimit,
  type LimitKind,
  type Limits,
  limitsLeft,
  nounOf,
} from '../../core/license/limits.ts'
import { noteTime, type SeenTime } from '../../core/license/seen-time.ts'
import { type Clock, iso } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { MasterDatabase } from '../db/database.ts'
import { addLicenseFiles, type OfferedFile } from './add-license.ts'
import { type OwnInstallation, signInstallRequest } from './installation.ts'
import { type LicensePair, verifyStored } from './license-reader.ts'
import { readLicenseRows, type StoredRows, writeLatestSeen } from './license-table.ts'
import { countLicensedUse } from './usage.ts'

/** How often what another process stored is looked for, and time is judged for those who subscribed. */
const WATCH_MS = 500
/** How often the clock is read into the latest time seen. */
const SEEN_STEP_MS = 60_000

/** The licence as the API shows it. */
export interface LicenseView {
  readonly state: LicenseStateName
  readonly code: string | null
  readonly message: string | null
  readonly expiresAt: string | null
  readonly graceUntil: string | null
  readonly limits: Limits | null
  readonly used: Limits
  readonly left: Limits | null
  readonly company: string | null
  readonly site: string | null
  readonly siteId: string | null
  readonly installationId: string
}

export interface LicenseServiceOptions {
  readonly database: MasterDatabase
  readonly installation: OwnInstallation
  readonly clock: Clock
  readonly log: Logger
}

/**
 * The licence of this installation. What is stored is verified when it changes; time is judged at every question, so an
 * end of term is never late. Another process may add files meanwhile: `refresh` and `watch` see them.
 */
export class LicenseService {
  readonly #options: LicenseServiceOptions
  readonly #listeners = new Set<() => void>()
  #pair: LicensePair = { site: null, install: null }
  #rows: StoredRows = { tokens: {}, trusted: new Map(), latestSeenMs: 0, lastRefusal: null }
  #fingerprint = ''
  #seen: SeenTime = { latestSeenMs: 0, readings: [] }
  #told = ''
  #refreshed: Promise<void> = Promise.resolve()

  private constructor(options: LicenseServiceOptions) {
    this.#options = options
  }

  /** Reads and verifies what is stored. */
  static async open(options: LicenseServiceOptions): Promise<LicenseService> {
    const service = new LicenseService(options)
    await service.refresh()
    return service
  }

  /** What holds now. */
  state(): LicenseState {
    const { clock, installation } = this.#options
    const stored = { ...this.#pair, lastRefusal: this.#rows.lastRefusal }
    const times = { nowMs: clock.nowMs(), latestSeenMs: this.#seen.latestSeenMs }
    return evaluateLicense(stored, installation, times)
  }

  /** The same with its times as text. */
  current() {
    const { state, code, message, limits, expiresAtMs, graceUntilMs } = this.state()
    const text = (atMs: number | null) => (atMs === null ? null : iso(atMs))
    return {
      state,
      code,
      message,
      limits,
      expiresAt: text(expiresAtMs),
      graceUntil: text(graceUntilMs),
    }
  }

  /** The whole licence, read anew, with what is used and left. */
  async view(): Promise<LicenseView> {
    await this.refresh()
    const { database, installation } = this.#options
    const used = await countLicensedUse(database.read)
    const current = this.current()
    const site = this.#pair.site?.ok ? this.#pair.site.value : null
    return {
      ...current,
      used,
      left: current.limits && limitsLeft(current.limits, used),
      company: site?.company ?? null,
      site: site?.site ?? null,
      siteId: site?.siteId ?? null,
      installationId: installation.id,
    }
  }

  /** Throws the code of a licence that does not hold; `action` is what was attempted, as in "add a policy". */
  assertLicensed(action: string): void {
    const state = this.state()
    if (isLicensed(state)) return
    throw new AppError(state.code ?? 'LICENSE_INVALID', `cannot ${action}: ${state.message}`)
  }

  /** Throws LICENSE_LIMIT where `wanted`, with the one about to be added, is more than the licence allows. */
  assertLimit(kind: LimitKind, wanted: number): void {
    this.assertLicensed(`add a ${nounOf(kind)}`)
    const { limits } = this.state()
    const check = limits ? checkLimit(limits, kind, wanted) : null
    if (check && !check.ok) throw new AppError(check.error.code, check.error.message)
  }

  /** Verifies and stores files, all or none; see `addLicenseFiles`. */
  async add(files: readonly OfferedFile[], addedBy: string): Promise<void> {
    const { database, installation, clock } = this.#options
    try {
      await addLicenseFiles({ database, installation, files, addedBy, nowMs: clock.nowMs() })
    } finally {
      await this.refresh()
    }
  }

  /** The installation request to hand to the licence authority. */
  async installRequest(): Promise<string> {
    const { installation, clock } = this.#options
    const siteId = this.#pair.site?.ok ? this.#pair.site.value.siteId : null
    return await signInstallRequest(installation, { siteId, nowMs: clock.nowMs() })
  }

  /** Takes in what is stored now, and tells the subscribers if anything changed by that or by time. */
  async refresh(): Promise<LicenseState> {
    // One after the other: an older reading must not overwrite a newer one.
    const refreshed = this.#refreshed.then(() => this.#readAnew())
    this.#refreshed = refreshed.catch(() => undefined)
    await refreshed
    return this.state()
  }

  async #readAnew(): Promise<void> {
    const rows = await readLicenseRows(this.#options.database.read)
    const fingerprint = JSON.stringify([rows.tokens, [...rows.trusted.keys()]])
    if (fingerprint !== this.#fingerprint) this.#pair = await verifyStored(rows)
    // A newly issued file may have put the latest time back in order, so what is stored counts, also where it is less.
    if (rows.latestSeenMs !== this.#rows.latestSeenMs)
      this.#seen = { latestSeenMs: rows.latestSeenMs, readings: [] }
    this.#fingerprint = fingerprint
    this.#rows = rows
    this.#tell()
  }

  /** Calls back whenever the licence changes, for as long as something watches; what comes back ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Follows time and what other processes store, until the signal is aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options
    let nextReadingMs = 0
    while (!signal.aborted) {
      try {
        if (clock.nowMs() >= nextReadingMs || clock.nowMs() < nextReadingMs - SEEN_STEP_MS) {
          nextReadingMs = clock.nowMs() + SEEN_STEP_MS
          await this.#noteTime()
        }
        await this.refresh()
      } catch (error) {
        // The database may be busy or full; what was verified still holds, and the next round tries again.
        log.warn('the licence could not be read', { error })
      }
      await clock.sleep(WATCH_MS, signal)
    }
  }

  async #noteTime(): Promise<void> {
    const { clock, database } = this.#options
    const noted = noteTime(this.#seen, clock.nowMs())
    this.#seen = { ...noted, latestSeenMs: this.#seen.latestSeenMs }
    if (noted.latestSeenMs === this.#seen.latestSeenMs) return
    await database.write((writer) => writeLatestSeen(writer, noted.latestSeenMs))
    this.#rows = { ...this.#rows, latestSeenMs: noted.latestSeenMs }
    this.#seen = noted
  }

  #tell(): void {
    const { log } = this.#options
    const current = this.current()
    const told = JSON.stringify(current)
    if (told === this.#told) return
    this.#told = told
    const { state, code, message, expiresAt } = current
    if (state === 'valid') log.info('licence valid', { expiresAt })
    else log.warn('licence needs attention', { state, code, reason: message })
    for (const listener of this.#listeners) listener()
  }
}
