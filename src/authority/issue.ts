import { randomUUID } from 'node:crypto'

import { eq } from 'drizzle-orm'

import { AppError } from '../core/base/errors.ts'
import type { InstallLicense, SiteLicense } from '../core/license/claims.ts'
import { type Term, termOf } from '../core/license/term.ts'
import { installLicensePayload, LICENSE_TYPES, siteLicensePayload } from '../core/wire/license.ts'
import { iso } from '../platform/clock.ts'
import { signToken } from '../platform/signed-token.ts'
import { appendAct } from './act-log.ts'
import type { LicenseAuthority } from './authority.ts'
import { readInstallRequest, type RequestFile } from './install-request.ts'
import type { Writer } from './registry.ts'
import { issuedFiles, sites } from './schema.ts'
import { findSite, listIssued, type Site } from './sites.ts'

/** A file that was just issued: `token` is its whole content. */
export interface Issued<L> {
  readonly token: string
  readonly license: L
}

export interface IssuedInstall extends Issued<InstallLicense> {
  /** Other installations for which this site has files. */
  readonly otherInstallations: readonly string[]
}

/**
 * Issues the Company/Site License File. The first file issued for a site begins its term. NOT_FOUND, LICENSE_EXPIRED.
 */
export async function issueSiteLicense(
  authority: LicenseAuthority,
  siteId: string,
): Promise<Issued<SiteLicense>> {
  const atMs = authority.clock.nowMs()
  return await authority.registry.write(async (writer) => {
    const site = await siteInTerm(writer, siteId, atMs)
    const { company, limits } = site
    const license = { ...common(site, atMs), company, site: site.site, limits }
    const token = await signToken(authority.key, {
      type: LICENSE_TYPES.site,
      claims: siteLicensePayload(license),
    })
    const row = { id: license.id, kind: 'site', siteId, token, issuedAtMs: atMs } as const
    await writer.insert(issuedFiles).values(row)
    const details = { siteId, fileId: license.id }
    await appendAct(writer, { act: 'issue-site', details, atMs })
    return { token, license }
  })
}

/**
 * Issues the Install License File for the installation that signed the request, and no other. NOT_FOUND,
 * LICENSE_EXPIRED; INVALID_REQUEST where the request does not verify or names another site.
 */
export async function issueInstallLicense(
  authority: LicenseAuthority,
  siteId: string,
  file: RequestFile,
): Promise<IssuedInstall> {
  const request = await readInstallRequest(file)
  if (request.siteId !== null && request.siteId !== siteId)
    throw new AppError(
      'INVALID_REQUEST',
      `cannot accept the installation request "${file.name}": it is for the site "${request.siteId}"`,
    )
  const atMs = authority.clock.nowMs()
  return await authority.registry.write(async (writer) => {
    const site = await siteInTerm(writer, siteId, atMs)
    const { installationId, keyThumbprint } = request
    const license = { ...common(site, atMs), installationId, keyThumbprint }
    const token = await signToken(authority.key, {
      type: LICENSE_TYPES.install,
      claims: installLicensePayload(license),
    })
    const others = await otherInstallations(writer, siteId, installationId)
    const row = { id: license.id, kind: 'install', siteId, token, issuedAtMs: atMs } as const
    await writer.insert(issuedFiles).values({ ...row, installationId, keyThumbprint })
    const details = { siteId, fileId: license.id, installationId, keyThumbprint }
    await appendAct(writer, { act: 'issue-install', details, atMs })
    return { token, license, otherInstallations: others }
  })
}

async function siteInTerm(
  writer: Writer,
  siteId: string,
  atMs: number,
): Promise<Site & { readonly term: Term }> {
  const site = await findSite(writer, siteId, 'issue a file for')
  const term = site.term ?? termOf(atMs, site.days)
  if (atMs >= term.endMs)
    throw new AppError(
      'LICENSE_EXPIRED',
      `cannot issue a file for the site "${siteId}": its term ended at ${iso(term.endMs)}`,
    )
  if (site.term === null) await writer.update(sites).set(term).where(eq(sites.id, siteId))
  return { ...site, term }
}

function common({ id: siteId, term, graceDays }: Site & { readonly term: Term }, atMs: number) {
  return { id: randomUUID(), issuedAtMs: atMs, ...term, graceDays, siteId }
}

async function otherInstallations(
  writer: Writer,
  siteId: string,
  own: string,
): Promise<readonly string[]> {
  const issued = await listIssued(writer, siteId)
  const ids = issued.flatMap(({ installationId }) => installationId ?? [])
  return [...new Set(ids)].filter((id) => id !== own)
}
