import { toAppError } from '../../core/base/errors.ts'
import { type Command, defineCommand } from '../../platform/cli-command.ts'
import { path, required } from '../../platform/cli-options.ts'
import { systemClock } from '../../platform/clock.ts'
import { type DataDirectory, openDataDirectory } from '../../platform/data-dir.ts'
import { type DataLock, takeDataLock } from '../../platform/data-lock.ts'
import { createLogger, type Logger } from '../../platform/log.ts'
import { SYNC_SERVER_LOCK_FILE } from '../data-files.ts'
import type { AcceptRoot, TargetOpener } from '../sync-server/bindings.ts'
import { runSyncServer } from '../sync-server/run.ts'

/** How long a Sync Server whose agent was killed may take to notice that and end. */
const PREDECESSOR_MS = 10_000
const PREDECESSOR_POLL_MS = 20

export interface Receiving {
  readonly openTarget: TargetOpener
  readonly acceptRoot: AcceptRoot
  close(): void
}

/** What the program hands in: the index and the opener of targets on this data folder. */
export type StartReceiving = (directory: DataDirectory, log: Logger) => Receiving

/** `cd-agent sync-server`: the process that receives; the agent starts it and speaks to it over its streams. */
export function syncServerCommand(startReceiving: StartReceiving): Command {
  return defineCommand({
    name: 'sync-server',
    summary: 'Receive for the agent that started this process',
    hidden: true,
    options: { dir: required(path('DIR', 'The data folder of the agent')) },
    run: async ({ dir }, { logLevel, signal }) => {
      const directory = openDataDirectory(dir, 'agent')
      const log = createLogger({ level: logLevel, fields: { part: 'sync-server' } })
      const lock = await takeOver(directory)
      const receiving = startReceiving(directory, log)
      try {
        const status = await runSyncServer({
          stdin: untilStopped(signal),
          writeLine: (line) => void process.stdout.write(`${line}\n`),
          openTarget: receiving.openTarget,
          acceptRoot: receiving.acceptRoot,
          clock: systemClock,
          log,
          random: Math.random,
        })
        return status === 0 ? 0 : 1
      } finally {
        receiving.close()
        lock.release()
      }
    },
  })
}

/** Two processes must not write one index: waits for the one before, whose agent may have been killed just now. */
async function takeOver(directory: DataDirectory): Promise<DataLock> {
  const untilMs = performance.now() + PREDECESSOR_MS
  for (;;) {
    try {
      return takeDataLock(directory.path, directory.file(SYNC_SERVER_LOCK_FILE))
    } catch (thrown) {
      if (toAppError(thrown).code !== 'DATA_DIR_LOCKED' || performance.now() > untilMs) throw thrown
    }
    await systemClock.sleep(PREDECESSOR_POLL_MS)
  }
}

/** Standard input until it ends, or until this process is asked to stop: Ctrl-C in a terminal reaches it too. */
async function* untilStopped(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = Bun.stdin.stream().getReader()
  const stopped = Promise.withResolvers<{ done: true; value: undefined }>()
  signal.addEventListener('abort', () => stopped.resolve({ done: true, value: undefined }))
  for (;;) {
    const chunk = await Promise.race([reader.read(), stopped.promise])
    if (chunk.done || signal.aborted) return
    if (chunk.value !== undefined) yield chunk.value
  }
}
