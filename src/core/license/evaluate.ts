import type { ErrorCode } from '../base/errors.ts'
import type { Failure, Result } from '../base/result.ts'
import type { InstallLicense, SiteLicense } from './claims.ts'
import type { Limits } from './limits.ts'
import { DAY_MS } from './term.ts'

export type LicenseStateName = 'missing' | 'invalid' | 'valid' | 'grace' | 'expired'

/** What an installation may do now, and why. `code` is null where nothing is wrong: valid. In grace all still works. */
export interface LicenseState {
  readonly state: LicenseStateName
  readonly code: ErrorCode | null
  readonly message: string | null
  readonly expiresAtMs: number | null
  readonly graceUntilMs: number | null
  readonly limits: Limits | null
}

/** The two files as they are stored: null where there is none, a failure where one does not verify. */
export interface StoredLicenses {
  readonly site: Result<SiteLicense> | null
  readonly install: Result<InstallLicense> | null
  /** Why the file that was last offered is not stored; shown where nothing else is wrong but that none is there. */
  readonly lastRefusal: Failure | null
}

export interface Installation {
  readonly id: string
  readonly keyThumbprint: string
}

export interface LicenseTimes {
  readonly nowMs: number
  /** The latest time ever seen here: a clock that was set back does not make a licence young again. */
  readonly latestSeenMs: number
}

/** Whether synchronization may run. */
export function isLicensed(state: LicenseState): boolean {
  return state.state === 'valid' || state.state === 'grace'
}

/** Judges what is stored for this installation at this time. Both files must verify, belong together and be in force. */
export function evaluateLicense(
  stored: StoredLicenses,
  installation: Installation,
  times: LicenseTimes,
): LicenseState {
  const { site, install } = stored
  if (site && !site.ok) return locked('invalid', site.error)
  if (install && !install.ok) return locked('invalid', install.error)
  const foreign =
    (install && refuseInstallation(install.value, installation)) ??
    (site && install && refuseSite(site.value, install.value))
  if (foreign) return locked('invalid', foreign)
  if (!site || !install) return missing(stored)
  return withinTerm({ site: site.value, install: install.value }, times)
}

/** Why an install licence does not hold for this installation; null where it does. */
export function refuseInstallation(
  install: InstallLicense,
  installation: Installation,
): Failure | null {
  const foreign = (message: string): Failure => ({ code: 'LICENSE_FOREIGN', message })
  if (install.installationId !== installation.id)
    return foreign(
      `the install licence is for the installation "${install.installationId}", this is "${installation.id}"`,
    )
  if (install.keyThumbprint === installation.keyThumbprint) return null
  return foreign('the install licence is bound to another key than the one this installation has')
}

/** Why the two files do not belong together; null where they do. */
export function refuseSite(site: SiteLicense, install: InstallLicense): Failure | null {
  if (site.siteId === install.siteId) return null
  const message = `the install licence is for the site "${install.siteId}", the site licence for "${site.siteId}"`
  return { code: 'LICENSE_FOREIGN', message }
}

/** Why a licence file is not in force at that time; null where it is, also within its days of grace. */
export function refuseTerm(license: SiteLicense | InstallLicense, atMs: number): Failure | null {
  const iso = (timeMs: number) => new Date(timeMs).toISOString()
  if (atMs < license.startMs)
    return {
      code: 'LICENSE_NOT_YET_VALID',
      message: `the licence begins at ${iso(license.startMs)}`,
    }
  if (atMs < graceEndMs(license)) return null
  return { code: 'LICENSE_EXPIRED', message: `the licence expired at ${iso(license.endMs)}` }
}

function missing({ site, install, lastRefusal }: StoredLicenses): LicenseState {
  if (lastRefusal) {
    return locked(lastRefusal.code === 'LICENSE_EXPIRED' ? 'expired' : 'invalid', lastRefusal)
  }
  const what = site
    ? 'the Install License File is'
    : install
      ? 'the Company/Site License File is'
      : 'both licence files are'
  return locked('missing', { code: 'LICENSE_MISSING', message: `${what} missing` })
}

function withinTerm(
  { site, install }: { readonly site: SiteLicense; readonly install: InstallLicense },
  { nowMs, latestSeenMs }: LicenseTimes,
): LicenseState {
  // What the authority signed is in the past: its own times are the least that it is now.
  const atMs = Math.max(nowMs, latestSeenMs, site.issuedAtMs, install.issuedAtMs)
  const terms = {
    expiresAtMs: Math.min(site.endMs, install.endMs),
    graceUntilMs: Math.min(graceEndMs(site), graceEndMs(install)),
    limits: site.limits,
  }
  const refusal = refuseTerm(site, atMs) ?? refuseTerm(install, atMs)
  if (refusal) {
    const state = refusal.code === 'LICENSE_EXPIRED' ? 'expired' : 'invalid'
    return { ...locked(state, refusal), ...terms }
  }
  if (atMs < terms.expiresAtMs) return { state: 'valid', code: null, message: null, ...terms }
  const message = `the licence expired at ${new Date(terms.expiresAtMs).toISOString()}, its grace ends at ${new Date(terms.graceUntilMs).toISOString()}`
  return { state: 'grace', code: 'LICENSE_EXPIRED', message, ...terms }
}

function graceEndMs(license: SiteLicense | InstallLicense): number {
  return license.endMs + license.graceDays * DAY_MS
}

function locked(state: LicenseStateName, { code, message }: Failure): LicenseState {
  return { state, code, message, expiresAtMs: null, graceUntilMs: null, limits: null }
}
