import { defineCommand } from '../../platform/cli-command.ts'
import { text } from '../../platform/cli-options.ts'
import { iso, systemClock } from '../../platform/clock.ts'
import { readActs } from '../act-log.ts'
import { withLicenseAuthority } from '../authority.ts'
import { listSites, type Site } from '../sites.ts'
import { directory } from './options.ts'
import { siteJson, siteView } from './views.ts'

export const listCommand = defineCommand({
  name: 'list',
  summary: 'List the registered sites',
  options: { dir: directory },
  printsData: true,
  run: async ({ dir }, { show }) => {
    const sites = await withLicenseAuthority(dir, systemClock, ({ registry }) =>
      listSites(registry.read),
    )
    const text = sites.length === 0 ? 'no site is registered' : sites.map(siteLine).join('\n')
    show(sites.map(siteJson), text)
  },
})

function siteLine({ id, company, site, term }: Site): string {
  const end = term ? `ends ${iso(term.endMs)}` : 'nothing issued yet'
  return `${id}  ${company} / ${site}  ${end}`
}

export const showCommand = defineCommand({
  name: 'show',
  summary: 'Show a site, or all: what it has bought, its term, and what was issued for it',
  options: { dir: directory, site: text('ID', 'Only this site, by its id') },
  printsData: true,
  run: async ({ dir, site: id }, { show }) => {
    const views = await withLicenseAuthority(dir, systemClock, async (authority) => {
      const ids = id ?? (await listSites(authority.registry.read)).map((site) => site.id)
      return await Promise.all([ids].flat().map((one) => siteView(authority, one)))
    })
    const shown = views.length === 0 ? 'no site is registered' : views.map(siteText).join('\n\n')
    show(id === undefined ? views : views[0], shown)
  },
})

function siteText(site: Awaited<ReturnType<typeof siteView>>): string {
  const { id, company, limits, days, graceDays, startsAt, expiresAt, issued } = site
  return [
    `site        ${id}`,
    `company     ${company}`,
    `name        ${site.site}`,
    `limits      ${limits.regions} regions, ${limits.groups} groups, ${limits.cas} cas, ${limits.cms} cms`,
    `days        ${days}, then ${graceDays} of grace`,
    `term        ${startsAt ? `${startsAt} to ${expiresAt}` : 'begins with the first file issued'}`,
    ...issued.map(
      (file) =>
        `issued      ${file.issuedAt}  ${file.kind} ${file.id}${file.installationId ? ` for ${file.installationId}` : ''}`,
    ),
  ].join('\n')
}

export const publicKeyCommand = defineCommand({
  name: 'public-key',
  summary: 'Print the key that masters are to trust (JWK)',
  description: ['Hand it to cd-master init --license-key, or to cd-master license trust add.'],
  options: { dir: directory },
  printsData: true,
  examples: ['cd-license public-key --dir authority > authority.jwk'],
  run: async ({ dir }, { show }) => {
    const key = await withLicenseAuthority(dir, systemClock, async (authority) => authority.key)
    const jwk = { ...key.publicKey, kid: key.thumbprint, use: 'sig', alg: 'EdDSA' }
    show(jwk, JSON.stringify(jwk))
  },
})

export const logCommand = defineCommand({
  name: 'log',
  summary: 'Print every act of the authority and check that none was changed or taken out',
  description: ['Exit status 1 where the chain of hashes is broken.'],
  options: { dir: directory },
  printsData: true,
  run: async ({ dir }, { show }) => {
    const { acts, brokenAt } = await withLicenseAuthority(dir, systemClock, ({ registry }) =>
      readActs(registry.read),
    )
    const lines = acts.map(
      ({ number, atMs, act, details, hash }) =>
        `${number}  ${iso(atMs)}  ${act}  ${JSON.stringify(details)}  ${hash.slice(0, 16)}`,
    )
    const verdict =
      brokenAt === null
        ? 'the chain of acts is whole'
        : `the chain of acts is broken at ${brokenAt}`
    const items = acts.map(({ atMs, ...act }) => ({ ...act, at: iso(atMs) }))
    show({ items, brokenAt }, [...lines, verdict].join('\n'))
    return brokenAt === null ? 0 : 1
  },
})
