import type { ChildProcess } from './cas/child-process.ts'
import { lines } from './cas/sync-server/lines.ts'
import { childEnvironment } from './platform/config.ts'
import type { FromInotify, ToInotify } from './platform/inotify-messages.ts'
import type { StartInotifyWorker } from './platform/inotify-watcher.ts'

// Everything that depends on how this program was started lies here: in an executable the paths of modules are others
// than under `bun run`, and only a file directly in src/ has the same place in both.

/**
 * For how much memory the collector of a child is to think that this machine has: it lets garbage grow in proportion to
 * that. It is no limit.
 */
const COLLECTOR_BYTES = 300_000_000

/** Starts another process of this same program, with other arguments; its standard error is ours. */
export function spawnSelf(args: readonly string[], onLine: (line: string) => void): ChildProcess {
  const program = Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main]
  return spawnChild([...program, ...args], onLine)
}

/** Starts a process that speaks in lines; its environment is ours without what would run other code in it. */
export function spawnChild(
  command: readonly string[],
  onLine: (line: string) => void,
): ChildProcess {
  const child = Bun.spawn([...command], {
    env: { ...childEnvironment(), BUN_JSC_forceRAMSize: String(COLLECTOR_BYTES) },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const ended = passLines(child, onLine)
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    pid: child.pid,
    writeLine(line) {
      if (hasEnded()) return
      ignoreBrokenPipe(() => child.stdin.write(`${line}\n`))
      ignoreBrokenPipe(() => child.stdin.flush())
    },
    endInput: () => ignoreBrokenPipe(() => child.stdin.end()),
    kill: (signal) => child.kill(signal),
    exited: Promise.all([child.exited, ended]).then(([, fault]) => fault ?? describeExit(child)),
  }
}

/** A child that is gone reads nothing more, which `exited` tells. The failure may come at once or later. */
function ignoreBrokenPipe(write: () => number | Promise<number>): void {
  try {
    Promise.resolve(write()).catch(throwUnlessBroken)
  } catch (thrown) {
    throwUnlessBroken(thrown)
  }
}

function throwUnlessBroken(thrown: unknown): void {
  const isBroken = thrown instanceof Error && 'code' in thrown && thrown.code === 'EPIPE'
  if (!isBroken) throw thrown
}

/** Passes the child's output on; where that fails the child is killed, and what failed is given. */
async function passLines(
  child: Bun.Subprocess<'pipe', 'pipe', 'inherit'>,
  onLine: (line: string) => void,
): Promise<string | null> {
  try {
    for await (const line of lines(child.stdout)) onLine(line)
    return null
  } catch (thrown) {
    child.kill('SIGKILL')
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}

function describeExit(child: Bun.Subprocess): string {
  return child.signalCode === null
    ? `exit status ${child.exitCode}`
    : `killed by ${child.signalCode}`
}

/** Starts the thread that waits for the kernel's file events. It keeps nothing alive by itself. */
export const startInotifyWorker: StartInotifyWorker = () => {
  const worker = new Worker(workerFile('inotify.worker'), { name: 'inotify' })
  worker.unref()
  return {
    post: (message: ToInotify) => worker.postMessage(message),
    onMessage: (handle) => {
      worker.onmessage = (event: MessageEvent<FromInotify>) => handle(event.data)
      worker.onerror = ({ message }) =>
        handle({
          type: 'broken',
          error: { code: 'WATCH_FAILED', message: `cannot watch: ${message}` },
        })
    },
  }
}

/** Entry points keep their places below src/ in an executable, as JavaScript. */
function workerFile(name: string): string | URL {
  return Bun.isStandaloneExecutable
    ? `/$bunfs/root/${name}.js`
    : new URL(`./${name}.ts`, import.meta.url)
}
