import type { Link } from '../network/link.ts'
import type { RegionScene, Server } from './scene.ts'

/** Something that breaks, and how it is mended. */
export interface Trouble {
  readonly name: string
  /** Servers that are gone with it. */
  readonly lost: readonly Server[]
  /** The region to which the source has no way then, though others have. */
  readonly cut: number | null
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
}

/** Everything that can break alone: each server, in two ways, and each link. */
export function troubles(scene: RegionScene): Trouble[] {
  const { targets, network } = scene
  const servers = targets.flatMap((server) => [killed(server, scene), vanished(server)])
  const own = targets.map((server) => cut(server.host.link, [server]))
  const groups = network.groupLinks.map((link) => {
    const inside = targets.filter(({ host }) => link.name === `group-${host.region}-${host.group}`)
    const { region, group } = scene.source.host
    const isSources = link.name === `group-${region}-${group}`
    const outside = targets.filter((server) => !inside.includes(server))
    return cut(link, isSources ? outside : inside)
  })
  const { region: home } = scene.source.host
  const regions = network.regionLinks.map((link) => {
    const far = targets.find(({ host }) => host.region !== home && touches(link, host.region))
    return { ...cut(link, []), cut: touches(link, home) ? (far?.host.region ?? null) : null }
  })
  return [...servers, ...own, ...groups, ...regions]
}

function touches({ name }: Link, region: number): boolean {
  return name.split(' ').includes(`region-${region}`)
}

/** Its agent ends at once; the system tells whoever was connected. */
export function killed(server: Server, scene: RegionScene): Trouble {
  const { agent, host } = server
  return {
    name: `${host.name} killed`,
    lost: [server],
    cut: null,
    begin: () => agent.process.stop('SIGKILL'),
    end: () => scene.fleet.startAgent(agent),
  }
}

/** Nobody hears of it any more, and nobody is told. */
export function vanished(server: Server): Trouble {
  const { link, control, name } = server.host
  return {
    name: `${name} vanished`,
    lost: [server],
    cut: null,
    begin: async () => [link, control].forEach((one) => one.cut()),
    end: async () => [link, control].forEach((one) => one.restore()),
  }
}

/** A link for content lets nothing through; the master is reached all the same. */
function cut(link: Link, lost: readonly Server[]): Trouble {
  return {
    name: `${link.name} cut`,
    lost,
    cut: null,
    begin: async () => link.cut(),
    end: async () => link.restore(),
  }
}
