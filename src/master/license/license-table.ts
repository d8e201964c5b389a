import { eq } from 'drizzle-orm'
import { z } from 'zod'

import { ERRORS, type ErrorCode } from '../../core/base/errors.ts'
import type { Failure } from '../../core/base/result.ts'
import { publicKeyJwk, type PublicKeyJwk } from '../../core/wire/license.ts'
import type { Reader, Writer } from '../db/database.ts'
import { licenseKeys, licenses, settings } from '../db/schema.ts'
import type { LicenseFile, TrustedKeys } from './license-file.ts'

const LATEST_SEEN = 'license.latestSeenMs'
const LAST_REFUSAL = 'license.lastRefusal'

/** All that is stored about licences; the tokens are not yet verified. */
export interface StoredRows {
  readonly tokens: Readonly<Partial<Record<LicenseFile['kind'], string>>>
  readonly trusted: TrustedKeys
  readonly latestSeenMs: number
  readonly lastRefusal: Failure | null
}

/** Reads everything about licences; small enough to be read often. */
export async function readLicenseRows(reader: Reader): Promise<StoredRows> {
  const tokens = await reader.select().from(licenses)
  const keys = await reader.select().from(licenseKeys)
  return {
    tokens: Object.fromEntries(tokens.map(({ kind, token }) => [kind, token])),
    trusted: new Map(keys.map(({ thumbprint, jwk }) => [thumbprint, publicKeyJwk.parse(jwk)])),
    latestSeenMs: z
      .number()
      .catch(0)
      .parse(await readSetting(reader, LATEST_SEEN)),
    lastRefusal: refusal.parse(await readSetting(reader, LAST_REFUSAL)),
  }
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code)
const refusal = z
  .object({ code: z.string().refine(isErrorCode), message: z.string() })
  .nullable()
  .catch(null)

async function readSetting(reader: Reader, key: string): Promise<unknown> {
  const [row] = await reader.select().from(settings).where(eq(settings.key, key))
  return row?.value ?? null
}

async function writeSetting(writer: Writer, key: string, value: unknown): Promise<void> {
  await writer
    .insert(settings)
    .values({ key, value })
    .onConflictDoUpdate({ target: settings.key, set: { value } })
}

/** Remembers the latest time seen. */
export async function writeLatestSeen(writer: Writer, latestSeenMs: number): Promise<void> {
  await writeSetting(writer, LATEST_SEEN, latestSeenMs)
}

/** Remembers why the last file offered was refused; null forgets it. */
export async function writeLastRefusal(writer: Writer, reason: Failure | null): Promise<void> {
  if (reason === null) await writer.delete(settings).where(eq(settings.key, LAST_REFUSAL))
  else await writeSetting(writer, LAST_REFUSAL, reason)
}

/** Stores a verified file in the place of the one of its kind. */
export async function writeLicense(
  writer: Writer,
  { kind, token }: LicenseFile,
  { addedBy, nowMs }: { readonly addedBy: string; readonly nowMs: number },
): Promise<void> {
  const row = { token, addedAtMs: nowMs, addedBy }
  await writer
    .insert(licenses)
    .values({ kind, ...row })
    .onConflictDoUpdate({ target: licenses.kind, set: row })
}

/** Trusts one more key of a licence authority; one that is trusted already stays as it is. */
export async function writeTrustedKey(
  writer: Writer,
  { thumbprint, jwk }: { readonly thumbprint: string; readonly jwk: PublicKeyJwk },
  nowMs: number,
): Promise<void> {
  await writer
    .insert(licenseKeys)
    .values({ thumbprint, jwk, addedAtMs: nowMs })
    .onConflictDoNothing()
}

interface TrustedKey {
  readonly thumbprint: string
  readonly addedAtMs: number
}

/** The trusted keys, oldest first. */
export async function listTrustedKeys(reader: Reader): Promise<readonly TrustedKey[]> {
  const rows = await reader.select().from(licenseKeys).orderBy(licenseKeys.addedAtMs)
  return rows.map(({ thumbprint, addedAtMs }) => ({ thumbprint, addedAtMs }))
}
