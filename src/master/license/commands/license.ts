import { AppError } from '../../../core/base/errors.ts'
import { LIMIT_KINDS } from '../../../core/license/limits.ts'
import { type Command, defineCommand, positional } from '../../../platform/cli-command.ts'
import { type CliIo, readInputFile } from '../../../platform/cli-io.ts'
import { path, required } from '../../../platform/cli-options.ts'
import { iso, systemClock } from '../../../platform/clock.ts'
import type { LicenseView } from '../license-service.ts'
import { listTrustedKeys } from '../license-table.ts'
import { trustLicenseKey } from '../trusted-key.ts'
import { decodeText, openLicense, type WithMasterData } from './master-data.ts'

const directory = required(path('DIR', 'The data folder of the master'))

/** Who added a file, where it was added on the host itself. */
const COMMAND_LINE = 'command line'

/** `cd-master license …`: they work while the server runs, which takes notice by itself. */
export function licenseCommands(withData: WithMasterData): readonly Command[] {
  return [
    addCommand(withData),
    showCommand(withData),
    trustAddCommand(withData),
    trustListCommand(withData),
    trustRemoveCommand,
  ]
}

function addCommand(withData: WithMasterData): Command {
  return defineCommand({
    name: 'license add',
    summary: 'Verify licence files and store them: the site file, the install file, or both',
    description: [
      'Each file says itself which of the two it is. All are stored or none. A running master goes on with them at once.',
    ],
    options: { dir: directory },
    positionals: { files: positional('FILE', 'many', 'A licence file; - is standard input') },
    printsData: true,
    examples: ['cd-master license add --dir master site.jwt install.jwt'],
    run: async ({ dir, files }, { io, show }) => {
      const offered = await Promise.all(files.map((name) => readText(io, name)))
      const view = await withData(dir, async (data) => {
        const license = await openLicense(data)
        await license.add(offered, COMMAND_LINE)
        return await license.view()
      })
      show(view, describe(view))
    },
  })
}

async function readText(io: CliIo, name: string) {
  return { name, text: decodeText(await readInputFile(io, name), name) }
}

function showCommand(withData: WithMasterData): Command {
  return defineCommand({
    name: 'license show',
    summary: 'Show the licence: its state, its end, its limits and their use',
    description: ['Exit status 3 where it does not hold.'],
    options: { dir: directory },
    printsData: true,
    run: async ({ dir }, { show }) => {
      const view = await withData(dir, async (data) => (await openLicense(data)).view())
      show(view, describe(view))
      return view.state === 'valid' || view.state === 'grace' ? 0 : 3
    },
  })
}

/** One line on the state, and one on the limits where there are any. */
function describe({ state, code, message, expiresAt, limits, used }: LicenseView): string {
  const why = message === null ? '' : `: ${message} [${code}]`
  const until = state === 'valid' ? ` until ${expiresAt}` : ''
  const lines = [`licence ${state}${until}${why}`]
  if (limits) {
    lines.push(
      `used ${LIMIT_KINDS.map((kind) => `${used[kind]} of ${limits[kind]} ${kind}`).join(', ')}`,
    )
  }
  return lines.join('\n')
}

function trustAddCommand(withData: WithMasterData): Command {
  return defineCommand({
    name: 'license trust add',
    summary: 'Trust one more key of a licence authority (JWK)',
    options: { dir: directory },
    positionals: {
      file: positional('FILE', 'one', 'What cd-license public-key prints; - is standard input'),
    },
    printsData: true,
    run: async ({ dir, file }, { io, show }) => {
      const key = await readText(io, file)
      const keyThumbprint = await withData(dir, ({ database }) =>
        trustLicenseKey(database, key, systemClock.nowMs()),
      )
      show({ keyThumbprint }, `key ${keyThumbprint} is trusted`)
    },
  })
}

function trustListCommand(withData: WithMasterData): Command {
  return defineCommand({
    name: 'license trust list',
    summary: 'List the keys whose licence files count',
    options: { dir: directory },
    printsData: true,
    run: async ({ dir }, { show }) => {
      const keys = await withData(dir, ({ database }) => listTrustedKeys(database.read))
      const items = keys.map(({ thumbprint, addedAtMs }) => ({
        keyThumbprint: thumbprint,
        addedAt: iso(addedAtMs),
      }))
      const lines = items.map(({ keyThumbprint, addedAt }) => `${keyThumbprint}  since ${addedAt}`)
      show(items, lines.length === 0 ? 'no key is trusted' : lines.join('\n'))
    },
  })
}

const trustRemoveCommand = defineCommand({
  name: 'license trust remove',
  summary: 'Trust a key no longer (comes with a later version)',
  hidden: true,
  options: { dir: directory },
  positionals: { key: positional('FILE', 'one', 'The key') },
  run: () => {
    throw new AppError(
      'NOT_IMPLEMENTED',
      'cannot remove a trusted key: this comes with a later version',
    )
  },
})
