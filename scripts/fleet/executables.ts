import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The repository's root. */
export const REPOSITORY = join(import.meta.dir, '..', '..')

export type ProgramName = 'cd-master' | 'cd-agent' | 'cd-license'

/** The path of an executable, of `dist` or the folder that CD_EXECUTABLES names; throws where it was not built yet. */
export function executable(program: ProgramName): string {
  const path = join(process.env['CD_EXECUTABLES'] ?? join(REPOSITORY, 'dist'), program)
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`bun run build\` first`)
  return path
}

export interface Finished {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end with an almost empty environment, as a service manager would. */
export async function runProgram(program: ProgramName, args: readonly string[]): Promise<Finished> {
  const child = Bun.spawn([executable(program), ...args], {
    env: { PATH: '/usr/bin:/bin' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { exitCode, stdout, stderr }
}

/** Runs a program that must succeed; gives what it printed, trimmed. */
export async function mustRun(program: ProgramName, args: readonly string[]): Promise<string> {
  const finished = await runProgram(program, args)
  if (finished.exitCode !== 0) {
    throw new Error(
      `${program} ${args.join(' ')} ended with ${finished.exitCode}: ${finished.stderr}`,
    )
  }
  return finished.stdout.trim()
}
