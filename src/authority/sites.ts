import { randomUUID } from 'node:crypto'

import { and, asc, eq } from 'drizzle-orm'

import { AppError } from '../core/base/errors.ts'
import type { Limits } from '../core/license/limits.ts'
import type { Term } from '../core/license/term.ts'
import { appendAct } from './act-log.ts'
import type { LicenseAuthority } from './authority.ts'
import type { Reader, Writer } from './registry.ts'
import { companies, issuedFiles, sites } from './schema.ts'

/** A customer's site with what it has bought. */
export interface Site {
  readonly id: string
  readonly company: string
  readonly site: string
  readonly limits: Limits
  readonly days: number
  readonly graceDays: number
  /** Null until the first file is issued. */
  readonly term: Term | null
  readonly registeredAtMs: number
}

export type NewSite = Pick<Site, 'company' | 'site' | 'limits' | 'days' | 'graceDays'>

/** Registers a site of a company, new or known, and gives its id. NAME_TAKEN where the company has a site of this name. */
export async function registerSite(
  { registry, clock }: LicenseAuthority,
  wanted: NewSite,
): Promise<string> {
  const { company, site, limits, days, graceDays } = wanted
  const atMs = clock.nowMs()
  return await registry.write(async (writer) => {
    const companyId = await companyOf(writer, company, atMs)
    const same = and(eq(sites.companyId, companyId), eq(sites.name, site))
    const [taken] = await writer.select().from(sites).where(same)
    if (taken)
      throw new AppError(
        'NAME_TAKEN',
        `cannot register the site "${site}": "${company}" has one of this name, ${taken.id}`,
      )
    const id = randomUUID()
    const row = { id, companyId, name: site, ...limits, days, graceDays, registeredAtMs: atMs }
    await writer.insert(sites).values(row)
    await appendAct(writer, { act: 'register', details: { siteId: id, ...wanted }, atMs })
    return id
  })
}

async function companyOf(writer: Writer, name: string, atMs: number): Promise<string> {
  const [known] = await writer.select().from(companies).where(eq(companies.name, name))
  if (known) return known.id
  const id = randomUUID()
  await writer.insert(companies).values({ id, name, createdAtMs: atMs })
  return id
}

type SiteRow = {
  readonly sites: typeof sites.$inferSelect
  readonly companies: { readonly name: string }
}

/** The site of an id; `action` begins the message of NOT_FOUND, as in "issue a file for". */
export async function findSite(reader: Reader, id: string, action: string): Promise<Site> {
  const [row] = await reader
    .select()
    .from(sites)
    .innerJoin(companies, eq(companies.id, sites.companyId))
    .where(eq(sites.id, id))
  if (!row)
    throw new AppError('NOT_FOUND', `cannot ${action} the site "${id}": it is not registered`)
  return asSite(row)
}

/** All sites, by company and name. */
export async function listSites(reader: Reader): Promise<readonly Site[]> {
  const rows = await reader
    .select()
    .from(sites)
    .innerJoin(companies, eq(companies.id, sites.companyId))
    .orderBy(asc(companies.name), asc(sites.name))
  return rows.map(asSite)
}

function asSite({ sites: row, companies: company }: SiteRow): Site {
  const { id, name, regions, groups, cas, cms, days, graceDays, startMs, endMs } = row
  return {
    id,
    company: company.name,
    site: name,
    limits: { regions, groups, cas, cms },
    days,
    graceDays,
    term: startMs === null || endMs === null ? null : { startMs, endMs },
    registeredAtMs: row.registeredAtMs,
  }
}

/** A file that was issued for a site. */
export interface IssuedFile {
  readonly id: string
  readonly kind: 'site' | 'install'
  readonly installationId: string | null
  readonly issuedAtMs: number
}

/** What was issued for a site, oldest first. */
export async function listIssued(reader: Reader, siteId: string): Promise<readonly IssuedFile[]> {
  const { id, kind, installationId, issuedAtMs } = issuedFiles
  return await reader
    .select({ id, kind, installationId, issuedAtMs })
    .from(issuedFiles)
    .where(eq(issuedFiles.siteId, siteId))
    .orderBy(asc(issuedAtMs), asc(id))
}
