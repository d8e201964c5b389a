import { describe } from 'bun:test'

const PROBE = ['ip', 'link', 'add', 'probe', 'type', 'veth', 'peer', 'name', 'other']

/** A group of tests that need networks of their own; skipped with a loud line where those are not to be had, never in CI. */
export function describeNetworks(name: string, tests: () => void): void {
  if (canMakeNetworks()) return describe(name, tests)
  const line = `SKIPPED: ${name}: no networks of its own (root and iproute2 are needed)`
  if (process.env['CI'] === 'true') throw new Error(line)
  console.error(`\n${line}\n`)
  describe.skip(name, tests)
}

function canMakeNetworks(): boolean {
  if (['unshare', 'nsenter', 'ip', 'tc'].some((program) => Bun.which(program) === null))
    return false
  const unshare = ['unshare', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
  return Bun.spawnSync([...unshare, ...PROBE], { stderr: 'ignore' }).exitCode === 0
}
