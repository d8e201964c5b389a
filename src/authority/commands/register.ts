import { defineCommand } from '../../platform/cli-command.ts'
import { required, text, wholeNumber, withDefault } from '../../platform/cli-options.ts'
import { systemClock } from '../../platform/clock.ts'
import { withLicenseAuthority } from '../authority.ts'
import { registerSite } from '../sites.ts'
import { directory } from './options.ts'
import { checkTitle, siteView } from './views.ts'

const limit = (what: string) =>
  wholeNumber(`How many ${what} are allowed`, { min: 1, max: 1_000_000 })

export const registerCommand = defineCommand({
  name: 'register',
  summary: 'Register a site of a company with what it has bought, and print its id',
  description: [
    'The days count from the first file that is issued for the site. A licence ends at noon UTC on the first Wednesday on or after its last day; then its days of grace begin.',
  ],
  options: {
    dir: directory,
    company: required(text('NAME', 'The company')),
    site: required(text('NAME', 'The site, unique within the company')),
    regions: withDefault(limit('regions'), 1),
    groups: withDefault(limit('groups'), 10),
    cas: withDefault(limit('servers with the role cas'), 10),
    cms: withDefault(limit('servers with the role cms'), 10),
    days: withDefault(wholeNumber('How many days the licence lasts', { min: 1, max: 36_500 }), 365),
    graceDays: withDefault(
      wholeNumber('How many days everything goes on working after the end', { min: 0, max: 366 }),
      14,
    ),
  },
  printsData: true,
  examples: [
    'cd-license register --dir authority --company "My Company" --site Berlin --cas 40 --cms 4',
  ],
  run: async ({ dir, regions, groups, cas, cms, ...site }, { show }) => {
    const wanted = { ...checkTitle(site), limits: { regions, groups, cas, cms } }
    await withLicenseAuthority(dir, systemClock, async (authority) => {
      const id = await registerSite(authority, wanted)
      show(await siteView(authority, id), id)
    })
  },
})
