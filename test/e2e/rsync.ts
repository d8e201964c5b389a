import { describe } from 'bun:test'

/**
 * What rsync would change to make `target` like `source`: content, names, modes, owners, times to the nanosecond, access
 * lists, extended attributes and names of one file; and what is of one file at the target alone, which rsync lets be.
 */
export function rsyncDifferences(source: string, target: string): string[] {
  const finished = Bun.spawnSync([
    'rsync',
    '-rlptgoDHAXn',
    '-c',
    '--delete',
    '-i',
    '--modify-window=-1',
    `${source}/`,
    `${target}/`,
  ])
  if (finished.exitCode !== 0) throw new Error(`rsync: ${finished.stderr.toString()}`)
  const ofOne = new Set(namesOfOneFile(source))
  const joined = namesOfOneFile(target).filter((names) => !ofOne.has(names))
  const lines = finished.stdout.toString().split('\n').filter(Boolean)
  return [...lines, ...joined.map((names) => `names of one file: ${names}`)]
}

/** For every file with several names below a folder all of those. */
function namesOfOneFile(folder: string): string[] {
  const command = ['find', folder, '-type', 'f', '-links', '+1', '-printf', '%i %P\\0']
  const { stdout } = Bun.spawnSync(command)
  const names = stdout.toString('latin1').split('\0').filter(Boolean).toSorted()
  const byInode = Map.groupBy(names, (line) => line.slice(0, line.indexOf(' ')))
  return [...byInode].map(([inode, lines]) =>
    lines.map((line) => line.slice(inode.length + 1)).join(', '),
  )
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
