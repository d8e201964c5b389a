import { failure, type Result, success } from '../../core/base/result.ts'
import type { InstallLicense, SiteLicense } from '../../core/license/claims.ts'
import { verifyLicenseFile } from './license-file.ts'
import type { StoredRows } from './license-table.ts'

/** The two files of an installation, verified: null where there is none. */
export interface LicensePair {
  readonly site: Result<SiteLicense> | null
  readonly install: Result<InstallLicense> | null
}

/** Verifies the files that are stored. Only time changes the judgement on them, so the caller may keep the answer. */
export async function verifyStored(
  rows: Pick<StoredRows, 'tokens' | 'trusted'>,
): Promise<LicensePair> {
  return { site: await verifyKind(rows, 'site'), install: await verifyKind(rows, 'install') }
}

interface OfKind {
  readonly site: SiteLicense
  readonly install: InstallLicense
}

async function verifyKind<K extends keyof OfKind>(
  { tokens, trusted }: Pick<StoredRows, 'tokens' | 'trusted'>,
  kind: K,
): Promise<Result<OfKind[K]> | null> {
  const token = tokens[kind]
  if (token === undefined) return null
  const name = kind === 'site' ? 'Company/Site License File' : 'Install License File'
  const file = await verifyLicenseFile(token, trusted)
  if (!file.ok) return failure(file.error.code, `the ${name} is refused: ${file.error.message}`)
  // One kind in the place of the other: someone wrote into the database.
  if (file.value.kind !== kind) return failure('LICENSE_INVALID', `the ${name} is of another kind`)
  return success(file.value.license as OfKind[K])
}
