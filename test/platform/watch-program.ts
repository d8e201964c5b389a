// Watches a folder and answers on standard output: `ready`, `failed CODE message`, then `told N` after each line read,
// or whether it was told of the path that the line names.
import { toAppError } from '../../src/core/base/errors.ts'
import type { WatcherChoice } from '../../src/platform/watcher.ts'
import { createWatchers } from '../../src/platform/watchers.ts'
import { startInotifyWorker } from '../../src/spawn.ts'
import { Watched } from './watched.ts'

const [choice = 'auto', root = '.'] = process.argv.slice(2)
const watched = new Watched(root)
const say = (line: string) => process.stdout.write(`${line}\n`)
try {
  await watched.start(createWatchers(choice as WatcherChoice, startInotifyWorker))
  say('ready')
} catch (thrown) {
  const { code, message } = toAppError(thrown)
  say(`failed ${code} ${message}`)
  process.exit(0)
}
for await (const line of console) {
  const [error] = watched.errors
  if (error !== undefined) say(`failed ${error.code} ${error.message}`)
  else if (line !== '?') say(watched.told.has(line) ? 'yes' : 'no')
  else say(`told ${watched.told.size} overflows ${watched.overflows.length}`)
}
process.exit(0)
