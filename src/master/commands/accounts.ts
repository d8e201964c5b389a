import { type Command, defineCommand } from '../../platform/cli-command.ts'
import {
  choice,
  path,
  required,
  secretFile,
  text,
  wholeNumber,
  withDefault,
} from '../../platform/cli-options.ts'
import { systemClock } from '../../platform/clock.ts'
import { createApiToken } from '../auth/api-tokens.ts'
import { setPassword } from '../auth/users.ts'
import { SYSTEM_ACTOR } from '../context.ts'
import { withMasterData } from '../data.ts'

const directory = required(path('DIR', 'The data folder of the master'))
const user = required(text('NAME', 'The account'))

/** `cd-master token`. */
export const tokenCommand: Command = defineCommand({
  name: 'token',
  summary: 'Make an API token and print it, this one time',
  options: {
    dir: directory,
    user,
    role: choice(
      ['admin', 'operator', 'viewer'],
      'What the token may; the role of the account if left out',
    ),
    days: withDefault(wholeNumber('Days until it expires', { min: 1, max: 3650 }), 90),
    name: withDefault(text('NAME', 'What it is for, to tell it from others'), 'command line'),
  },
  printsData: true,
  examples: ['cd-master token --dir /var/lib/cd-master --user root --role viewer --days 30'],
  run: async ({ dir, user: owner, role, days, name }, { show }) => {
    const made = await withMasterData(dir, ({ database }) =>
      createApiToken({ database, clock: systemClock }, SYSTEM_ACTOR, {
        user: `name:${owner}`,
        name,
        role,
        days,
      }),
    )
    show(made, made.token)
  },
})

/** `cd-master user set-password`. */
export const setPasswordCommand: Command = defineCommand({
  name: 'user set-password',
  summary: 'Set the password of an account; its sessions end',
  options: { dir: directory, user, passwordFile: required(secretFile('The new password')) },
  run: async ({ dir, user: name, passwordFile }, { show }) => {
    await withMasterData(dir, ({ database }) =>
      setPassword({ database, clock: systemClock }, SYSTEM_ACTOR, {
        name,
        password: passwordFile,
      }),
    )
    show({ user: name }, `password of "${name}" set`)
  },
})
