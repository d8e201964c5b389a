import { describe } from 'bun:test'

/**
 * What rsync would change to make `target` like `source`: content, names, modes, owners, times to the nanosecond, access
 * lists and extended attributes.
 */
export function rsyncDifferences(source: string, target: string): string[] {
  const finished = Bun.spawnSync([
    'rsync',
    '-rlptgoDAXn',
    '-c',
    '--delete',
    '-i',
    '--modify-window=-1',
    `${source}/`,
    `${target}/`,
  ])
  if (finished.exitCode !== 0) throw new Error(`rsync: ${finished.stderr.toString()}`)
  return finished.stdout.toString().split('\n').filter(Boolean)
}

/** `describe`, skipped loudly where a program of the system is missing; a failure where CI=true. */
export function describeWith(programs: readonly string[], name: string, body: () => void): void {
  const missing = programs.filter((program) => Bun.which(program) === null)
  if (missing.length === 0) return describe(name, body)
  const line = `SKIPPED: ${name}: missing ${missing.join(', ')}`
  if (process.env['CI'] === 'true') throw new Error(line)
  console.error(`\n${line}\n`)
  describe.skip(name, body)
}
