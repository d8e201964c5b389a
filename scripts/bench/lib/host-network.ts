import { readFileSync, readlinkSync } from 'node:fs'

import { waitFor } from '../../fleet/wait.ts'

const BRIDGE = 'br0'
const NET = '10.77.0'

/** One machine of its own, as far as the network is concerned. */
export interface Host {
  readonly name: string
  readonly address: string
  /** Runs what follows it on this host. */
  readonly wrapper: readonly string[]
}

/** What has crossed a host's link so far. */
export interface LinkBytes {
  readonly sent: number
  readonly received: number
}

/**
 * Hosts with an address and a link each, all links to one bridge and held to the same rate in both directions. To be used
 * within a network of this program's own, with which it goes.
 */
export class HostNetwork {
  /** The address of the bridge: this program, whose link has no limit. */
  readonly address = `${NET}.254`
  readonly hosts: readonly Host[]
  readonly #holders: readonly Bun.Subprocess[]

  private constructor(hosts: readonly Host[], holders: readonly Bun.Subprocess[]) {
    this.hosts = hosts
    this.#holders = holders
  }

  static async start(count: number, mbitPerS: number): Promise<HostNetwork> {
    ip('link', 'add', BRIDGE, 'type', 'bridge')
    ip('addr', 'add', `${NET}.254/24`, 'dev', BRIDGE)
    ip('link', 'set', BRIDGE, 'up')
    const made: { host: Host; holder: Bun.Subprocess }[] = []
    for (let number = 1; number <= count; number++) made.push(await makeHost(number, mbitPerS))
    return new HostNetwork(
      made.map(({ host }) => host),
      made.map(({ holder }) => holder),
    )
  }

  /** What has crossed the links, by the name of the host. */
  linkBytes(): Map<string, LinkBytes> {
    const lines = readFileSync('/proc/net/dev', 'utf8').split('\n')
    const found = new Map<string, LinkBytes>()
    for (const { name } of this.hosts) {
      const line = lines.find((one) => one.trim().startsWith(`${name}:`)) ?? ''
      const fields = line.split(':')[1]?.trim().split(/\s+/).map(Number) ?? []
      // This is the bridge's end: what comes in here was sent by the host.
      found.set(name, { sent: fields[0] ?? Number.NaN, received: fields[8] ?? Number.NaN })
    }
    return found
  }

  stop(): void {
    for (const holder of this.#holders) holder.kill('SIGKILL')
    ip('link', 'del', BRIDGE)
  }
}

async function makeHost(number: number, mbitPerS: number) {
  // A process holds the host's network: with it, both ends of the link go.
  const holder = Bun.spawn(['unshare', '--net', 'sleep', 'infinity'])
  const namespace = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/net`)
  await waitFor('a network', () => namespace(holder.pid) !== namespace('self'))
  const [name, inside] = [`h${number}`, `e${number}`]
  const address = `${NET}.${number}`
  const wrapper = ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--']
  const rate = ['rate', `${mbitPerS}mbit`, 'burst', '128kb', 'latency', '100ms']
  ip('link', 'add', name, 'type', 'veth', 'peer', 'name', inside, 'netns', String(holder.pid))
  ip('link', 'set', name, 'master', BRIDGE, 'up')
  run('tc', 'qdisc', 'add', 'dev', name, 'root', 'tbf', ...rate)
  run(...wrapper, 'ip', 'addr', 'add', `${address}/24`, 'dev', inside)
  run(...wrapper, 'ip', 'link', 'set', 'lo', 'up')
  run(...wrapper, 'ip', 'link', 'set', inside, 'up')
  run(...wrapper, 'tc', 'qdisc', 'add', 'dev', inside, 'root', 'tbf', ...rate)
  return { host: { name, address, wrapper }, holder }
}

function ip(...args: readonly string[]): void {
  run('ip', ...args)
}

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { stderr: 'pipe' })
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr.toString()}`)
}
