import { describe } from 'bun:test'

/** Mounts a tmpfs on a folder with options such as `size=64k`. */
export function mountTmpfs(folder: string, options: string): void {
  mount('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder)
}

/** Runs a mount command that must succeed. */
export function mount(...command: readonly string[]): void {
  const finished = Bun.spawnSync([...command], { stderr: 'pipe' })
  if (finished.exitCode !== 0)
    throw new Error(`${command.join(' ')}: ${finished.stderr.toString()}`)
}

/** `describe` for tests that mount; without the right to, skipped loudly, and a failure where CI=true. */
export function describeMounting(name: string, body: () => void): void {
  const probe = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']
  const canMount = Bun.which('unshare') !== null && Bun.spawnSync(probe).exitCode === 0
  if (canMount) return describe(name, body)
  const line = `SKIPPED: ${name}: no right to mount`
  if (process.env['CI'] === 'true') throw new Error(line)
  console.error(`\n${line}\n`)
  describe.skip(name, body)
}
