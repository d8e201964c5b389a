import { hostname } from 'node:os'

import { AppError } from '../../core/base/errors.ts'
import { defineCommand } from '../../platform/cli-command.ts'
import { path, repeated, required, secret, text, url } from '../../platform/cli-options.ts'
import { createDataDirectory } from '../../platform/data-dir.ts'
import { enrol } from '../enrolment/enrol.ts'
import { saveAllowed, saveIdentity } from '../identity.ts'

const NAME = /^[A-Za-z0-9._-]{1,63}$/

/** `cd-agent enroll`: makes this host known to a master and its data folder. */
export const enrollCommand = defineCommand({
  name: 'enroll',
  summary: 'Make this host known to a master',
  description: [
    'The token comes from the admin tool. It pins the authority of the master, so the address need not be trusted.',
    'The private key is made here and never leaves this host.',
    'A host to which other agents cannot connect is started with cd-agent run --dial-out.',
  ],
  options: {
    dir: required(path('DIR', 'The data folder to make; it must not exist or be empty')),
    master: required(
      repeated(
        url(['https'], "The master's gateway, https://HOST:7401; several are tried in turn"),
      ),
    ),
    token: required(secret('TOKEN', 'The enrolment token')),
    name: text('NAME', "This server's name in the admin tool; by default the host's name"),
    allow: repeated(
      path(
        'PATH',
        'A folder that may be read, listed and written; without any, all but system folders',
      ),
    ),
  },
  printsData: true,
  examples: ['cd-agent enroll --dir /var/lib/cd-agent --master https://master:7401 --token-file -'],
  run: async ({ dir, master, token, name, allow }, { show }) => {
    const chosenName = name ?? defaultName()
    if (!NAME.test(chosenName)) {
      const problem = `--name must be 1 to 63 letters, digits, dots, dashes or underscores, not "${chosenName}"`
      throw new AppError('USAGE', problem)
    }
    const identity = await createDataDirectory(dir, 'agent', async (directory) => {
      const enrolled = await enrol({ masters: master, token, name: chosenName })
      saveAllowed(directory, allow.length === 0 ? null : allow)
      saveIdentity(directory, enrolled)
      return enrolled
    })
    const { serverId, installationId, roles } = identity
    show(
      { serverId, name: chosenName, roles, installationId },
      `Enrolled as ${chosenName} (${serverId}). Start it with: cd-agent run --dir ${dir}`,
    )
  },
})

/** The host's own name, without what a server's name may not hold. */
function defaultName(): string {
  return hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 63)
}
