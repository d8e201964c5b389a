const MARK = 'CD_OWN_WORLD'

/**
 * Runs this program again with a network and processes of its own, and ends with its exit code; returns in the inner run.
 * Whatever the inner run makes, hosts and links and programs in them, goes with it however it ends. Throws where that is
 * not to be had.
 */
export async function inOwnWorld(): Promise<void> {
  if (process.env[MARK] !== undefined) return
  const unshare = ['unshare', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
  const probe = Bun.spawnSync([...unshare, 'ip', 'link', 'set', 'lo', 'up'], { stderr: 'pipe' })
  if (probe.exitCode !== 0)
    throw new Error(`namespaces are not to be had (root, iproute2?): ${probe.stderr.toString()}`)
  const command = [...unshare, 'sh', '-c', 'ip link set lo up && "$@"', 'sh']
  const inner = Bun.spawn([...command, process.execPath, ...process.argv.slice(1)], {
    env: { ...process.env, [MARK]: '1' },
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  const end = (signal: NodeJS.Signals): void => inner.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  process.exit(await inner.exited)
}
