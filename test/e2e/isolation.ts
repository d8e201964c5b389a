/** What a program must do without. */
export interface Isolation {
  /** A folder that must look empty, else a path left in an executable would still lead to the sources. */
  readonly hidden: string
  /** A folder where nothing may be executed, as /tmp is on hardened hosts. */
  readonly noexec: string
}

const SCRIPT =
  'mount -t tmpfs tmpfs "$1" && mount -t tmpfs -o noexec tmpfs "$2" && shift 2 && exec "$@"'

/**
 * Gives the command that runs a command isolated, in a mount namespace of its own. Where that takes rights which this
 * user lacks, the command itself, with a loud line; a failure where CI=true.
 */
export function isolation({ hidden, noexec }: Isolation): (command: readonly string[]) => string[] {
  const prefix = ['unshare', '--mount', 'sh', '-c', SCRIPT, 'sh', hidden, noexec]
  if (canIsolate()) return (command) => [...prefix, ...command]
  const line = 'SKIPPED: executables run with the sources in reach: no right to mount'
  if (process.env['CI'] === 'true') throw new Error(line)
  console.error(`\n${line}\n`)
  return (command) => [...command]
}

function canIsolate(): boolean {
  if (Bun.which('unshare') === null) return false
  const probe = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']
  return Bun.spawnSync(probe, { stderr: 'ignore' }).exitCode === 0
}
