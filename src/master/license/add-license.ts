import { AppError } from '../../core/base/errors.ts'
import type { Failure } from '../../core/base/result.ts'
import {
  type Installation,
  refuseInstallation,
  refuseSite,
  refuseTerm,
} from '../../core/license/evaluate.ts'
import type { MasterDatabase } from '../db/database.ts'
import { type LicenseFile, verifyLicenseFile } from './license-file.ts'
import { type LicensePair, verifyStored } from './license-reader.ts'
import {
  readLicenseRows,
  type StoredRows,
  writeLastRefusal,
  writeLatestSeen,
  writeLicense,
} from './license-table.ts'

/** A licence file as it was handed over; `name` is for messages. */
export interface OfferedFile {
  readonly name: string
  readonly text: string
}

export interface Offer {
  readonly database: MasterDatabase
  readonly installation: Installation
  readonly files: readonly OfferedFile[]
  readonly addedBy: string
  readonly nowMs: number
}

/**
 * Verifies licence files and stores them, all or none; each says itself which of the two it is. Throws LICENSE_INVALID,
 * LICENSE_FOREIGN, LICENSE_NOT_YET_VALID or LICENSE_EXPIRED, and keeps the reason for the page of a locked master.
 */
export async function addLicenseFiles(offer: Offer): Promise<void> {
  const rows = await readLicenseRows(offer.database.read)
  const verified: LicenseFile[] = []
  for (const file of offer.files) {
    const outcome = await verifyLicenseFile(file.text, rows.trusted)
    if (!outcome.ok) return await refuse(offer, file.name, outcome.error)
    verified.push(outcome.value)
  }
  const verdict = await judge(verified, rows, offer)
  if (verdict.kind === 'refused') {
    return await refuse(offer, offer.files[verdict.index]?.name ?? '', verdict.reason)
  }
  await store(verified, verdict.latestSeenMs, offer)
}

type Verdict =
  | { readonly kind: 'refused'; readonly index: number; readonly reason: Failure }
  | { readonly kind: 'accepted'; readonly latestSeenMs: number }

async function judge(
  verified: readonly LicenseFile[],
  rows: StoredRows,
  { installation, nowMs }: Offer,
): Promise<Verdict> {
  const before = await verifyStored(rows)
  const issuedAtMs = Math.max(...verified.map(({ license }) => license.issuedAtMs))
  // What the authority issued after all it had issued before says what time it is: where the clock once ran ahead, the
  // latest time seen was wrong, and this puts it right.
  const latestSeenMs = issuedAtMs > newestMs(before) ? issuedAtMs : rows.latestSeenMs
  const atMs = Math.max(nowMs, latestSeenMs)
  for (const [index, file] of verified.entries()) {
    const foreign = file.kind === 'install' ? refuseInstallation(file.license, installation) : null
    const reason = foreign ?? refuseTerm(file.license, atMs)
    if (reason) return { kind: 'refused', index, reason }
  }
  const reason = refuseApart(await verifyStored({ ...rows, tokens: merge(rows, verified) }))
  return reason
    ? { kind: 'refused', index: verified.length - 1, reason }
    : { kind: 'accepted', latestSeenMs }
}

function newestMs({ site, install }: LicensePair): number {
  return Math.max(site?.ok ? site.value.issuedAtMs : 0, install?.ok ? install.value.issuedAtMs : 0)
}

function merge(rows: StoredRows, verified: readonly LicenseFile[]): StoredRows['tokens'] {
  return { ...rows.tokens, ...Object.fromEntries(verified.map(({ kind, token }) => [kind, token])) }
}

function refuseApart({ site, install }: LicensePair): Failure | null {
  const reason = site?.ok && install?.ok ? refuseSite(site.value, install.value) : null
  return reason && { ...reason, message: `${reason.message}; add both files of one site together` }
}

async function refuse({ database }: Offer, name: string, reason: Failure): Promise<never> {
  const message = `cannot add the licence file "${name}": ${reason.message}`
  await database.write((writer) => writeLastRefusal(writer, { code: reason.code, message }))
  throw new AppError(reason.code, message)
}

async function store(
  verified: readonly LicenseFile[],
  latestSeenMs: number,
  { database, addedBy, nowMs }: Offer,
): Promise<void> {
  await database.write(async (writer) => {
    for (const file of verified) await writeLicense(writer, file, { addedBy, nowMs })
    await writeLatestSeen(writer, latestSeenMs)
    await writeLastRefusal(writer, null)
  })
}
