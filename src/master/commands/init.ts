import { type Command, defineCommand } from '../../platform/cli-command.ts'
import { readInputFile } from '../../platform/cli-io.ts'
import { path, required, secretFile, text } from '../../platform/cli-options.ts'
import { createMasterData } from '../data.ts'
import { decodeText } from '../license/commands/master-data.ts'

/** `cd-master init`. */
export const initCommand: Command = defineCommand({
  name: 'init',
  summary: 'Make the data folder of a new master',
  description: [
    'Makes the database, the certificate authority that agents will trust, and the key of this installation. The master starts locked until both licence files are added.',
  ],
  options: {
    dir: required(path('DIR', 'The data folder to make: new or empty')),
    admin: required(text('NAME', 'The first administrator')),
    passwordFile: required(secretFile('The password of the first administrator')),
    licenseKey: required(
      path('FILE', 'The key of the licence authority: what cd-license public-key prints'),
    ),
  },
  printsData: true,
  examples: [
    'cd-master init --dir /var/lib/cd-master --admin root --password-file password --license-key key.jwk',
  ],
  run: async ({ dir, admin, passwordFile, licenseKey }, { io, show }) => {
    const key = decodeText(await readInputFile(io, licenseKey), licenseKey)
    const installationId = await createMasterData({
      path: dir,
      adminName: admin,
      adminPassword: passwordFile,
      licenseKey: { name: licenseKey, text: key },
    })
    show({ dir, installationId }, `master "${installationId}" made in "${dir}"`)
  },
})
