import { usage } from '../../platform/cli-parse.ts'
import { iso } from '../../platform/clock.ts'
import type { LicenseAuthority } from '../authority.ts'
import { findSite, listIssued, type Site } from '../sites.ts'

/** A site as `--json` prints it. */
export function siteJson({ term, registeredAtMs, ...site }: Site) {
  return {
    ...site,
    startsAt: term && iso(term.startMs),
    expiresAt: term && iso(term.endMs),
    registeredAt: iso(registeredAtMs),
  }
}

/** A site with all that was issued for it, as `--json` prints it; NOT_FOUND. */
export async function siteView({ registry }: LicenseAuthority, id: string) {
  const site = await findSite(registry.read, id, 'show')
  const issued = await listIssued(registry.read, id)
  return {
    ...siteJson(site),
    issued: issued.map(({ issuedAtMs, ...file }) => ({ ...file, issuedAt: iso(issuedAtMs) })),
  }
}

/** Both names stand in the licence, where they have a bound. */
export function checkTitle<T extends { readonly company: string; readonly site: string }>(
  site: T,
): T {
  for (const name of ['company', 'site'] as const) {
    if (site[name].length > 200) throw usage(`--${name} must be at most 200 characters long`)
  }
  return site
}
