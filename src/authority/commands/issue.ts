import { defineCommand } from '../../platform/cli-command.ts'
import { readInputFile } from '../../platform/cli-io.ts'
import { path, required } from '../../platform/cli-options.ts'
import { writeOutputFile } from '../../platform/cli-output.ts'
import { iso, systemClock } from '../../platform/clock.ts'
import { withLicenseAuthority } from '../authority.ts'
import { issueInstallLicense, issueSiteLicense } from '../issue.ts'
import { directory, outputFile, siteId } from './options.ts'

export const issueSiteCommand = defineCommand({
  name: 'issue-site',
  summary: 'Issue the Company/Site License File of a site',
  description: [
    'It says who may synchronize how much, and until when. It can be issued again at any time; the term stays the same.',
  ],
  options: { dir: directory, site: siteId, out: outputFile },
  printsData: true,
  examples: ['cd-license issue-site --dir authority --site SITE-ID --out site.jwt'],
  run: async ({ dir, site, out }, { io, show }) => {
    const { token, license } = await withLicenseAuthority(dir, systemClock, (authority) =>
      issueSiteLicense(authority, site),
    )
    writeOutputFile(io, out, `${token}\n`)
    const { id, endMs } = license
    if (out !== '-')
      show(
        { id, file: out, expiresAt: iso(endMs) },
        `site licence for "${license.company}", "${license.site}" written to "${out}"; it ends at ${iso(endMs)}`,
      )
  },
})

export const issueInstallCommand = defineCommand({
  name: 'issue-install',
  summary: 'Issue the Install License File for the installation that made a request',
  description: [
    'The file holds for that installation alone: it is bound to the key with which the request is signed (cd-master install-request).',
  ],
  options: {
    dir: directory,
    site: siteId,
    request: required(path('FILE', 'The installation request; - is standard input')),
    out: outputFile,
  },
  printsData: true,
  examples: [
    'cd-license issue-install --dir authority --site SITE-ID --request request.jwt --out install.jwt',
  ],
  run: async ({ dir, site, request, out }, { io, show }) => {
    const text = new TextDecoder().decode(await readInputFile(io, request))
    const { token, license, otherInstallations } = await withLicenseAuthority(
      dir,
      systemClock,
      (authority) => issueInstallLicense(authority, site, { name: request, text }),
    )
    writeOutputFile(io, out, `${token}\n`)
    if (out === '-') return
    const { id, installationId, endMs } = license
    const others =
      otherInstallations.length === 0
        ? ''
        : `; this site has files for other installations too: ${otherInstallations.join(', ')}`
    show(
      { id, file: out, installationId, expiresAt: iso(endMs), otherInstallations },
      `install licence for the installation "${installationId}" written to "${out}"; it ends at ${iso(endMs)}${others}`,
    )
  },
})
