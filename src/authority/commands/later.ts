import { AppError } from '../../core/base/errors.ts'
import { defineCommand } from '../../platform/cli-command.ts'
import { path, text } from '../../platform/cli-options.ts'

/** A command of the surface that a later version brings: known, so that nobody takes it for a mistyped one. */
function laterCommand(name: string, summary: string) {
  return defineCommand({
    name,
    summary: `${summary} (comes with a later version)`,
    hidden: true,
    options: {
      dir: path('DIR', 'The data folder of the licence authority'),
      site: text('ID', 'The id of the site'),
      listen: text('HOST:PORT', 'Where it would listen'),
    },
    run: () => {
      throw new AppError('NOT_IMPLEMENTED', `cannot ${name}: this comes with a later version`)
    },
  })
}

export const laterCommands = [
  laterCommand('renew', 'Renew the licence of a site'),
  laterCommand('revoke', 'Revoke the licence of a site'),
  laterCommand('serve', 'Serve the pages and the JSON API of the authority'),
]
