import { readFileSync } from 'node:fs'

import { agentStatus, type AgentStatus } from '../../src/cas/agent/status.ts'

const PROGRAM = [process.execPath, `${import.meta.dir}/../../src/agent.ts`]

export interface Finished {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `cd-agent` from its sources to its end. */
export async function runAgentProgram(args: readonly string[], stdin = ''): Promise<Finished> {
  const child = Bun.spawn([...PROGRAM, ...args], {
    stdin: new TextEncoder().encode(stdin),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { status, stdout, stderr }
}

/** `cd-agent run` as a process of its own. */
export interface RunningAgent {
  readonly pid: number
  readonly exited: Promise<number>
  kill(signal: NodeJS.Signals): void
  /** What it has logged so far. */
  log(): string
}

export function startAgentProgram(directory: string, args: readonly string[] = []): RunningAgent {
  const logPath = `${directory}.log`
  const child = Bun.spawn(
    [...PROGRAM, 'run', '--dir', directory, '--listen', '127.0.0.1:0', ...args],
    { stdin: 'ignore', stdout: 'ignore', stderr: Bun.file(logPath) },
  )
  return {
    pid: child.pid,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    log: () => readFileSync(logPath, 'utf8'),
  }
}

/** What `cd-agent status --json` says. */
export async function statusOf(directory: string): Promise<AgentStatus | null> {
  const { stdout } = await runAgentProgram(['status', '--dir', directory, '--json'])
  const parsed = agentStatus.safeParse(JSON.parse(stdout))
  return parsed.success ? parsed.data : null
}
