import { AppError } from '../../core/base/errors.ts'
import { type Command, defineCommand } from '../../platform/cli-command.ts'

const LATER = ['backup', 'restore', 'ca status', 'ca rotate', 'export', 'apply', 'diff'] as const

/** Commands that later versions bring: their names are taken, and they say so. */
export const laterCommands: readonly Command[] = LATER.map((name) =>
  defineCommand({
    name,
    summary: 'Comes with a later version',
    hidden: true,
    options: {},
    run: () => {
      throw new AppError('NOT_IMPLEMENTED', `cannot run "${name}": this comes with a later version`)
    },
  }),
)
