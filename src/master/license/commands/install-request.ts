import { type Command, defineCommand } from '../../../platform/cli-command.ts'
import { path, required } from '../../../platform/cli-options.ts'
import { writeOutputFile } from '../../../platform/cli-output.ts'
import { openLicense, type WithMasterData } from './master-data.ts'

/** `cd-master install-request`. */
export function installRequestCommand(withData: WithMasterData): Command {
  return defineCommand({
    name: 'install-request',
    summary: 'Write the request for the Install License File of this installation',
    description: [
      'Hand the file to the licence authority (cd-license issue-install). It names this installation and its public key and is signed with that key; it holds no secret.',
    ],
    options: {
      dir: required(path('DIR', 'The data folder of the master')),
      out: required(path('FILE', 'Where the request is written; - is standard output')),
    },
    printsData: true,
    examples: ['cd-master install-request --dir master --out request.jwt'],
    run: async ({ dir, out }, { io, show }) => {
      const { installationId, token } = await withData(dir, async (data) => {
        const license = await openLicense(data)
        return { installationId: data.installationId, token: await license.installRequest() }
      })
      writeOutputFile(io, out, `${token}\n`)
      if (out !== '-')
        show(
          { installationId, file: out },
          `request of the installation "${installationId}" written to "${out}"`,
        )
    },
  })
}
