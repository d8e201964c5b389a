import { Link, type LinkEnd } from './link.ts'
import { Namespace } from './namespace.ts'

// Regions that all have a link to each other, each with groups, each with hosts. Every region and every group is a router
// of its own, so that what goes between them crosses exactly the links between them; no route leads around one that is
// cut. Beside that every host has another link, by which it reaches the master alone.

const MASTER = '10.99.255.254'
const MASTER_BRIDGE = 'br-master'

/** A machine of its own, as far as the network is concerned. */
export interface RegionHost {
  readonly name: string
  readonly region: number
  readonly group: number
  readonly address: string
  /** Runs what follows it on this host. */
  readonly wrapper: readonly string[]
  /** By which content comes and goes. */
  readonly link: Link
  /** By which it reaches the master. */
  readonly control: Link
}

export interface NetworkPlan {
  readonly regions: number
  /** In each region. */
  readonly groups: number
  /** In each group. */
  readonly servers: number
  /** In megabits per second. */
  readonly rates: {
    readonly host: number
    readonly group: number
    /** Of the link between two regions, both counted from 1. */
    readonly between: (one: number, other: number) => number
  }
}

interface Router {
  readonly namespace: Namespace
  readonly bridge: string
}

/** To be used within a network of this program's own, with which it goes. */
export class RegionNetwork {
  /** Where hosts reach the master. */
  readonly address = MASTER
  /** The first is an additional one in the first group of the first region: the source. */
  readonly hosts: readonly RegionHost[]
  /** Between groups and their regions, by name. */
  readonly groupLinks: readonly Link[]
  /** Between regions. */
  readonly regionLinks: readonly Link[]
  readonly #namespaces: readonly Namespace[]
  readonly #regionOf: ReadonlyMap<Namespace, number>

  private constructor(made: Made) {
    this.hosts = made.hosts
    this.groupLinks = made.groupLinks
    this.regionLinks = made.regionLinks
    this.#namespaces = made.namespaces
    this.#regionOf = made.regionOf
  }

  static async start(plan: NetworkPlan): Promise<RegionNetwork> {
    const made: Made = {
      hosts: [],
      groupLinks: [],
      regionLinks: [],
      namespaces: [],
      regionOf: new Map(),
    }
    Namespace.own.run('ip', 'link', 'add', MASTER_BRIDGE, 'type', 'bridge')
    Namespace.own.run('ip', 'addr', 'add', `${MASTER}/16`, 'dev', MASTER_BRIDGE)
    Namespace.own.run('ip', 'link', 'set', MASTER_BRIDGE, 'up')
    const regions = await makeRegions(made, plan)
    for (const [index, region] of regions.entries()) {
      for (let group = 1; group <= plan.groups; group++) {
        const router = await makeGroup(made, plan, { region, number: index + 1, group })
        const isFirst = index === 0 && group === 1
        for (let server = isFirst ? 0 : 1; server <= plan.servers; server++)
          await makeHost(made, plan, { router, region: index + 1, group, server })
      }
    }
    return new RegionNetwork(made)
  }

  /** What has come into a region from others so far. */
  bytesInto(region: number): number {
    const ends = this.regionLinks.flatMap((link) =>
      link.ends.map((end) => ({ link, end, of: this.#regionOf.get(end.namespace) })),
    )
    const into = ends.filter(({ of }) => of === region)
    return into.reduce((sum, { link, end }) => sum + link.bytesInto(end), 0)
  }

  stop(): void {
    for (const namespace of this.#namespaces) namespace.stop()
    Namespace.own.run('ip', 'link', 'del', MASTER_BRIDGE)
  }
}

interface Made {
  readonly hosts: RegionHost[]
  readonly groupLinks: Link[]
  readonly regionLinks: Link[]
  readonly namespaces: Namespace[]
  readonly regionOf: Map<Namespace, number>
}

async function makeRouter(made: Made): Promise<Namespace> {
  const namespace = await Namespace.start()
  made.namespaces.push(namespace)
  namespace.run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  return namespace
}

async function makeRegions(made: Made, plan: NetworkPlan): Promise<readonly Namespace[]> {
  const regions: Namespace[] = []
  for (let number = 1; number <= plan.regions; number++) {
    const region = await makeRouter(made)
    made.regionOf.set(region, number)
    for (const [index, other] of regions.entries()) {
      const one = index + 1
      const ends = [
        { namespace: other, device: `r${number}` },
        { namespace: region, device: `r${one}` },
      ] as const
      const name = `region-${one} region-${number}`
      made.regionLinks.push(new Link(name, ends, plan.rates.between(one, number)))
      const net = `10.201.${one * 16 + number}`
      connect(ends, [`${net}.1`, `${net}.2`])
      other.run('ip', 'route', 'add', `10.${number}.0.0/16`, 'via', `${net}.2`)
      region.run('ip', 'route', 'add', `10.${one}.0.0/16`, 'via', `${net}.1`)
    }
    regions.push(region)
  }
  return regions
}

async function makeGroup(
  made: Made,
  plan: NetworkPlan,
  at: { readonly region: Namespace; readonly number: number; readonly group: number },
): Promise<Router> {
  const namespace = await makeRouter(made)
  const bridge = 'hosts'
  namespace.run('ip', 'link', 'add', bridge, 'type', 'bridge')
  namespace.run('ip', 'addr', 'add', `10.${at.number}.${at.group}.254/24`, 'dev', bridge)
  namespace.run('ip', 'link', 'set', bridge, 'up')
  const ends = [
    { namespace: at.region, device: `g${at.group}` },
    { namespace, device: 'region' },
  ] as const
  made.groupLinks.push(new Link(`group-${at.number}-${at.group}`, ends, plan.rates.group))
  const net = `10.200.${at.number * 16 + at.group}`
  connect(ends, [`${net}.1`, `${net}.2`])
  at.region.run('ip', 'route', 'add', `10.${at.number}.${at.group}.0/24`, 'via', `${net}.2`)
  namespace.run('ip', 'route', 'add', 'default', 'via', `${net}.1`)
  return { namespace, bridge }
}

async function makeHost(
  made: Made,
  plan: NetworkPlan,
  at: {
    readonly router: Router
    readonly region: number
    readonly group: number
    readonly server: number
  },
): Promise<void> {
  const { router, region, group, server } = at
  const namespace = await Namespace.start()
  made.namespaces.push(namespace)
  const name = server === 0 ? 'source' : `server-${region}-${group}-${server}`
  const device = `h${server}`
  const inside = { namespace, device: 'data' }
  const link = new Link(name, [{ namespace: router.namespace, device }, inside], plan.rates.host)
  router.namespace.run('ip', 'link', 'set', device, 'master', router.bridge)
  const address = `10.${region}.${group}.${server + 1}`
  namespace.run('ip', 'addr', 'add', `${address}/24`, 'dev', 'data')
  namespace.run('ip', 'route', 'add', 'default', 'via', `10.${region}.${group}.254`)
  const outside = `c${region}-${group}-${server}`
  const ends = [
    { namespace: Namespace.own, device: outside },
    { namespace, device: 'control' },
  ] as const
  const control = new Link(`${name} master`, ends, null)
  Namespace.own.run('ip', 'link', 'set', outside, 'master', MASTER_BRIDGE)
  const own = `10.99.${region}.${group * 16 + server + 1}`
  namespace.run('ip', 'addr', 'add', `${own}/16`, 'dev', 'control')
  const { wrapper } = namespace
  made.hosts.push({ name, region, group, address, wrapper, link, control })
}

function connect(ends: readonly [LinkEnd, LinkEnd], addresses: readonly [string, string]): void {
  for (const [index, { namespace, device }] of ends.entries())
    namespace.run('ip', 'addr', 'add', `${addresses[index] ?? ''}/30`, 'dev', device)
}
