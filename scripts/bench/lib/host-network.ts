import { Link } from '../../network/link.ts'
import { Namespace } from '../../network/namespace.ts'

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

interface Made {
  readonly host: Host
  readonly link: Link
  readonly namespace: Namespace
}

/**
 * Hosts with an address and a link each, all links to one bridge and held to the same rate in both directions. To be used
 * within a network of this program's own, with which it goes.
 */
export class HostNetwork {
  /** The address of the bridge: this program, whose link has no limit. */
  readonly address = `${NET}.254`
  readonly hosts: readonly Host[]
  readonly #made: readonly Made[]

  private constructor(made: readonly Made[]) {
    this.hosts = made.map(({ host }) => host)
    this.#made = made
  }

  static async start(count: number, mbitPerS: number): Promise<HostNetwork> {
    ip('link', 'add', BRIDGE, 'type', 'bridge')
    ip('addr', 'add', `${NET}.254/24`, 'dev', BRIDGE)
    ip('link', 'set', BRIDGE, 'up')
    const made: Made[] = []
    for (let number = 1; number <= count; number++) made.push(await makeHost(number, mbitPerS))
    return new HostNetwork(made)
  }

  /** What has crossed the links, by the name of the host. */
  linkBytes(): Map<string, LinkBytes> {
    return new Map(
      this.#made.map(({ host, link }) => {
        const [outside, inside] = link.ends
        return [host.name, { sent: link.bytesInto(outside), received: link.bytesInto(inside) }]
      }),
    )
  }

  stop(): void {
    for (const { namespace } of this.#made) namespace.stop()
    ip('link', 'del', BRIDGE)
  }
}

async function makeHost(number: number, mbitPerS: number): Promise<Made> {
  const namespace = await Namespace.start()
  const [name, device] = [`h${number}`, `e${number}`]
  const address = `${NET}.${number}`
  const ends = [
    { namespace: Namespace.own, device: name },
    { namespace, device },
  ] as const
  const link = new Link(name, ends, mbitPerS)
  ip('link', 'set', name, 'master', BRIDGE)
  namespace.run('ip', 'addr', 'add', `${address}/24`, 'dev', device)
  return { host: { name, address, wrapper: namespace.wrapper }, link, namespace }
}

function ip(...args: readonly string[]): void {
  Namespace.own.run('ip', ...args)
}
