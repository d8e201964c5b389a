import { z } from 'zod'

import type { InstallLicense, InstallRequest, SiteLicense } from '../license/claims.ts'

/**
 * The files that licence authority and master exchange by hand: JWTs signed with Ed25519. A file's kind is the `typ` of
 * its protected header, and `kid` the thumbprint (RFC 7638) of the key that signed it. A file is one line of text.
 */
export const LICENSE_TYPES = {
  site: 'cd-site-license+jwt',
  install: 'cd-install-license+jwt',
  request: 'cd-install-request+jwt',
} as const

/** Larger than any file that the authority writes. */
export const LICENSE_FILE_BYTES_MAX = 16_384

const id = z.string().min(1).max(64)
const title = z.string().min(1).max(200)
const seconds = z.number().int().min(0).max(99_999_999_999)
const thumbprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const limit = z.number().int().min(0).max(1_000_000)

/** An Ed25519 public key as a JWK (RFC 8037); other members are dropped, a private one among them. */
export const publicKeyJwk = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: thumbprint,
})
export type PublicKeyJwk = z.infer<typeof publicKeyJwk>

const common = {
  jti: id,
  iat: seconds,
  nbf: seconds,
  exp: seconds,
  graceDays: z.number().int().min(0).max(366),
  site: id,
}

/** Claims of the Company/Site License File. `exp` is where grace begins, not where it ends. */
export const siteLicenseClaims = z
  .object({
    ...common,
    company: title,
    siteName: title,
    limits: z.object({ regions: limit, groups: limit, cas: limit, cms: limit }),
  })
  .transform((claims): SiteLicense => ({
    ...licensed(claims),
    company: claims.company,
    site: claims.siteName,
    limits: claims.limits,
  }))

/** Claims of the Install License File: `sub` is the installation, `cnf.jkt` (RFC 9449) its key. */
export const installLicenseClaims = z
  .object({ ...common, sub: id, cnf: z.object({ jkt: thumbprint }) })
  .transform((claims): InstallLicense => ({
    ...licensed(claims),
    installationId: claims.sub,
    keyThumbprint: claims.cnf.jkt,
  }))

/** Claims of an installation request; its header carries the public key (`jwk`) that signed it. */
export const installRequestClaims = z
  .object({
    jti: id,
    iat: seconds,
    sub: id,
    cnf: z.object({ jkt: thumbprint }),
    site: id.nullable(),
  })
  .transform((claims): InstallRequest => ({
    id: claims.jti,
    installationId: claims.sub,
    keyThumbprint: claims.cnf.jkt,
    requestedAtMs: claims.iat * 1000,
    siteId: claims.site,
  }))

type Common = { [K in keyof typeof common]: z.infer<(typeof common)[K]> }

function licensed({ jti, iat, nbf, exp, graceDays, site }: Common) {
  return {
    id: jti,
    issuedAtMs: iat * 1000,
    startMs: nbf * 1000,
    endMs: exp * 1000,
    graceDays,
    siteId: site,
  }
}

/** The claims of a Company/Site License File as they are signed. */
export function siteLicensePayload(license: SiteLicense) {
  const { company, site: siteName, limits } = license
  return { ...licensedPayload(license), company, siteName, limits }
}

/** The claims of an Install License File as they are signed. */
export function installLicensePayload(license: InstallLicense) {
  const { installationId, keyThumbprint } = license
  return { ...licensedPayload(license), sub: installationId, cnf: { jkt: keyThumbprint } }
}

/** The claims of an installation request as they are signed. */
export function installRequestPayload(request: InstallRequest) {
  const { id: jti, installationId: sub, keyThumbprint, siteId, requestedAtMs } = request
  return { jti, iat: asSeconds(requestedAtMs), sub, cnf: { jkt: keyThumbprint }, site: siteId }
}

function licensedPayload(license: SiteLicense | InstallLicense) {
  return {
    jti: license.id,
    iat: asSeconds(license.issuedAtMs),
    nbf: asSeconds(license.startMs),
    exp: asSeconds(license.endMs),
    graceDays: license.graceDays,
    site: license.siteId,
  }
}

function asSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000)
}
