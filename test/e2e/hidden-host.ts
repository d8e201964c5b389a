import { describe } from 'bun:test'
import { readlinkSync } from 'node:fs'

import { waitFor } from '../../scripts/fleet/wait.ts'

const PROGRAMS = ['unshare', 'nsenter', 'ip']
const PROBE = ['ip', 'link', 'add', 'probe', 'type', 'veth', 'peer', 'name', 'other']

/** `describe` for tests that need hosts of their own; skipped loudly where those are not to be had, a failure where CI=true. */
export function describeHidden(name: string, body: () => void): void {
  const isThere = PROGRAMS.every((program) => Bun.which(program) !== null)
  const probe = ['unshare', '--net', ...PROBE]
  if (isThere && Bun.spawnSync(probe, { stderr: 'ignore' }).exitCode === 0)
    return describe(name, body)
  const line = `SKIPPED: ${name}: no hosts of their own (root and iproute2 are needed)`
  if (process.env['CI'] === 'true') throw new Error(line)
  console.error(`\n${line}\n`)
  describe.skip(name, body)
}

/** A host with a network of its own that reaches this one, while nothing that listens on its loopback is reached from here. */
export class HiddenHost {
  /** By which it reaches this host. */
  readonly gateway: string
  /** Runs what follows it on the host. */
  readonly wrapper: readonly string[]
  readonly #holder: Bun.Subprocess

  private constructor(gateway: string, wrapper: readonly string[], holder: Bun.Subprocess) {
    this.gateway = gateway
    this.wrapper = wrapper
    this.#holder = holder
  }

  /** `number` from 0 on tells the hosts of one test program apart. */
  static async start(number: number): Promise<HiddenHost> {
    const holder = Bun.spawn(['unshare', '--net', 'sleep', 'infinity'])
    const namespace = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/net`)
    await waitFor('a network', () => namespace(holder.pid) !== namespace('self'))
    const net = `10.213.${process.pid % 250}.${number * 4}`.split('.')
    const at = (last: number) => [...net.slice(0, 3), Number(net[3]) + last].join('.')
    const [outside, inside] = [`cd${process.pid}-${number}`, 'up0']
    const wrapper = ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--']
    const veth = ['type', 'veth', 'peer', 'name', inside, 'netns', String(holder.pid)]
    run('ip', 'link', 'add', outside, ...veth)
    run('ip', 'addr', 'add', `${at(1)}/30`, 'dev', outside)
    run('ip', 'link', 'set', outside, 'up')
    run(...wrapper, 'ip', 'addr', 'add', `${at(2)}/30`, 'dev', inside)
    run(...wrapper, 'ip', 'link', 'set', 'lo', 'up')
    run(...wrapper, 'ip', 'link', 'set', inside, 'up')
    run(...wrapper, 'ip', 'route', 'add', 'default', 'via', at(1))
    return new HiddenHost(at(1), wrapper, holder)
  }

  /** With its last process the network goes, and both ends of the line. */
  stop(): void {
    this.#holder.kill('SIGKILL')
  }
}

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { stderr: 'pipe' })
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr.toString()}`)
}
