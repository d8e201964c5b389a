import type { ZodType } from 'zod'

import { failure, type Result, success } from '../../core/base/result.ts'
import type { InstallLicense, SiteLicense } from '../../core/license/claims.ts'
import {
  installLicenseClaims,
  LICENSE_FILE_BYTES_MAX,
  LICENSE_TYPES,
  type PublicKeyJwk,
  siteLicenseClaims,
} from '../../core/wire/license.ts'
import { checkToken } from '../../platform/signed-token.ts'

/** A licence file whose signature and form hold. Whether it is for this installation and time is another question. */
export type LicenseFile =
  | { readonly kind: 'site'; readonly token: string; readonly license: SiteLicense }
  | { readonly kind: 'install'; readonly token: string; readonly license: InstallLicense }

/** The keys whose signature counts, by thumbprint. */
export type TrustedKeys = ReadonlyMap<string, PublicKeyJwk>

/** Verifies a file with the trusted keys and tells its kind by its type, which is signed too. */
export async function verifyLicenseFile(
  text: string,
  trusted: TrustedKeys,
): Promise<Result<LicenseFile>> {
  const token = text.trim()
  if (token.length > LICENSE_FILE_BYTES_MAX) return invalid('it is too large to be a licence file')
  const check = await checkToken(token, trusted)
  switch (check.kind) {
    case 'verified':
      return readClaims(token, check)
    case 'malformed':
      return invalid('it is no licence file')
    case 'algorithm':
      return invalid(`it is signed with ${JSON.stringify(check.algorithm)}, which proves nothing`)
    case 'badSignature':
      return invalid('its signature does not hold: it was changed after it was issued')
    case 'unknownKey':
      return failure('LICENSE_FOREIGN', 'it is signed with a key that this master does not trust')
  }
}

function readClaims(
  token: string,
  { type, claims }: { readonly type: string; readonly claims: unknown },
): Result<LicenseFile> {
  switch (type) {
    case LICENSE_TYPES.site:
      return parsed(siteLicenseClaims, claims, (license) => ({ kind: 'site', token, license }))
    case LICENSE_TYPES.install:
      return parsed(installLicenseClaims, claims, (license) => ({
        kind: 'install',
        token,
        license,
      }))
    default:
      return invalid(`it is of the type ${JSON.stringify(type)}`)
  }
}

function parsed<T>(
  schema: ZodType<T>,
  claims: unknown,
  make: (license: T) => LicenseFile,
): Result<LicenseFile> {
  const outcome = schema.safeParse(claims)
  if (outcome.success) return success(make(outcome.data))
  const where = outcome.error.issues[0]?.path.join('.') ?? ''
  return invalid(`its field "${where}" is missing or wrong: a newer program may have issued it`)
}

function invalid(message: string): Result<never> {
  return failure('LICENSE_INVALID', message)
}
