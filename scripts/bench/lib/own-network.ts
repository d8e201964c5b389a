import { readFileSync } from 'node:fs'

const MARK = 'CD_BENCH_OWN_NETWORK'

/**
 * Runs this program again in a network namespace of its own, whose loopback carries nothing but the benchmark, and ends
 * with its exit code. Returns in the inner run, and where namespaces are not to be had.
 */
export async function inOwnNetwork(): Promise<void> {
  if (process.env[MARK] !== undefined || Bun.which('unshare') === null) return
  if (Bun.spawnSync(['unshare', '-n', 'ip', 'link', 'set', 'lo', 'up']).exitCode !== 0) return
  const command = ['unshare', '-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
  const inner = Bun.spawn([...command, process.execPath, ...process.argv.slice(1)], {
    env: { ...process.env, [MARK]: '1' },
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  process.exit(await inner.exited)
}

/** How bytes on the wire were counted. */
export function networkDescription(): string {
  return process.env[MARK] === undefined
    ? 'loopback of this host, whoever used it'
    : 'loopback of a network namespace with nothing else in it: data, control and API'
}

/** Bytes that have crossed the loopback so far. */
export function loopbackBytes(): number {
  const line = readFileSync('/proc/net/dev', 'utf8')
    .split('\n')
    .find((one) => one.trim().startsWith('lo:'))
  return Number(line?.split(':')[1]?.trim().split(/\s+/)[0] ?? Number.NaN)
}
