import { join } from 'node:path'

const SOURCES = join(import.meta.dir, '..', '..', 'src')

/** The programs by their entry files, as `bun src/master.ts` runs them: no build is needed. */
export type EntryName = 'master' | 'agent' | 'license'

export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Starts a program with an almost empty environment, as a service manager would. */
export function startEntry(entry: EntryName, argv: readonly string[], stdin = '') {
  return Bun.spawn([process.execPath, join(SOURCES, `${entry}.ts`), ...argv], {
    env: { PATH: '/usr/bin:/bin' },
    stdin: new TextEncoder().encode(stdin),
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

/** Runs a program to its end. */
export async function runEntry(
  entry: EntryName,
  argv: readonly string[],
  stdin = '',
): Promise<Ended> {
  const child = startEntry(entry, argv, stdin)
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { status, stdout, stderr }
}

/** Runs a program that must succeed; gives what it printed, without the last line end. */
export async function mustRunEntry(
  entry: EntryName,
  argv: readonly string[],
  stdin = '',
): Promise<string> {
  const { status, stdout, stderr } = await runEntry(entry, argv, stdin)
  if (status !== 0) throw new Error(`${entry} ${argv.join(' ')} ended with ${status}: ${stderr}`)
  return stdout.trimEnd()
}
