import { toAppError } from '../../core/base/errors.ts'
import {
  type ReachReport,
  type SyncServerCommand,
  type SyncServerReport,
  syncServerCommand,
} from '../../core/wire/sync-server.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { AcceptRoot, TargetOpener } from './bindings.ts'
import { lines } from './lines.ts'
import { SyncServer } from './sync-server.ts'

export interface SyncServerProcess {
  /** Commands of the agent, one JSON value a line; when it ends, the agent is gone. */
  readonly stdin: AsyncIterable<Uint8Array>
  /** Takes reports, each a whole line. */
  readonly writeLine: (line: string) => void
  readonly openTarget: TargetOpener
  readonly acceptRoot: AcceptRoot
  readonly clock: Clock
  readonly log: Logger
  /** Gives 0 to 1. */
  readonly random: () => number
}

/**
 * Runs the Sync Server until its agent tells it to stop or is gone; gives the exit code: 0, or 1 where it could not
 * listen or was told nonsense, which it reports.
 */
export async function runSyncServer(process: SyncServerProcess): Promise<number> {
  const write = (report: SyncServerReport): void => process.writeLine(JSON.stringify(report))
  const report = (message: Extract<SyncServerReport, { type: 'report' }>['message']): void =>
    write({ type: 'report', message })
  const onReach = (reach: ReachReport): void => write({ type: 'reach', ...reach })
  const { clock, log, openTarget, acceptRoot, random } = process
  const parts = { clock, log, openTarget, acceptRoot, random }
  const server = new SyncServer({ ...parts, report, onReach })
  try {
    for await (const line of lines(process.stdin)) {
      const command: SyncServerCommand = syncServerCommand.parse(JSON.parse(line))
      if (command.type === 'stop') break
      if (command.type === 'hops') server.changeHops(command)
      else if (command.type === 'cancelJob') server.cancelJob(command)
      else if (command.type === 'resolveHold') void server.resolveHold(command)
      else write({ type: 'listening', port: server.configure(command) })
    }
    return 0
  } catch (thrown) {
    const { code, message } = toAppError(thrown)
    write({ type: 'failed', code, message })
    return 1
  } finally {
    server.stop()
  }
}
