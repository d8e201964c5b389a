import type { ChildProcess } from './cas/child-process.ts'
import { childEnvironment } from './platform/config.ts'
import { readLines } from './platform/lines.ts'

// Everything that depends on how this program was started lies here: in an executable the paths of modules are others
// than under `bun run`, and only a file directly in src/ has the same place in both.

/** Starts another process of this same program, with other arguments; its standard error is ours. */
export function spawnSelf(args: readonly string[], onLine: (line: string) => void): ChildProcess {
  const program = Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main]
  const child = Bun.spawn([...program, ...args], {
    env: childEnvironment(),
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
      ignoreBrokenPipe(child.stdin.write(`${line}\n`))
      ignoreBrokenPipe(child.stdin.flush())
    },
    endInput: () => ignoreBrokenPipe(child.stdin.end()),
    kill: (signal) => child.kill(signal),
    exited: Promise.all([child.exited, ended]).then(([, fault]) => fault ?? describeExit(child)),
  }
}

/** A child that is gone reads nothing more, which `exited` tells. */
function ignoreBrokenPipe(written: number | Promise<number>): void {
  Promise.resolve(written).catch(() => undefined)
}

/** Passes the child's output on; where that fails the child is killed, and what failed is given. */
async function passLines(
  child: Bun.Subprocess<'pipe', 'pipe', 'inherit'>,
  onLine: (line: string) => void,
): Promise<string | null> {
  try {
    for await (const line of readLines(child.stdout)) onLine(line)
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
