import { startReceiving } from '../../src/cas/apply/receiving.ts'
import { runSyncServer } from '../../src/cas/sync-server/run.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { openDataDirectory } from '../../src/platform/data-dir.ts'
import { createLogger } from '../../src/platform/log.ts'

// A Sync Server as a process of its own, as the agent runs it, on the data folder that its argument names.
const [folder = ''] = process.argv.slice(2)
const log = createLogger({ level: 'error' })
const receiving = startReceiving(openDataDirectory(folder, 'agent'), log)
const status = await runSyncServer({
  stdin: Bun.stdin.stream(),
  writeLine: (line) => void process.stdout.write(`${line}\n`),
  openTarget: receiving.openTarget,
  acceptRoot: receiving.acceptRoot,
  clock: systemClock,
  log,
  random: Math.random,
})
receiving.close()
process.exit(status)
