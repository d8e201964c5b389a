import { defineCommand } from '../../platform/cli-command.ts'
import { systemClock } from '../../platform/clock.ts'
import { createLicenseAuthority } from '../authority.ts'
import { directory } from './options.ts'

export const initCommand = defineCommand({
  name: 'init',
  summary: 'Make a licence authority: its key pair (Ed25519) and its registry',
  description: [
    'The folder must be new or empty. Keep a copy of it in a safe place: whoever has its key can issue licences, and without it none can be issued that the masters trust.',
  ],
  options: { dir: directory },
  printsData: true,
  examples: ['cd-license init --dir authority'],
  run: async ({ dir }, { show }) => {
    const keyThumbprint = await createLicenseAuthority(dir, systemClock)
    show(
      { directory: dir, keyThumbprint },
      `licence authority made in "${dir}", key ${keyThumbprint}`,
    )
  },
})
