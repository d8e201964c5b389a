import { randomFillSync } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { compareTrees } from '../fleet/compare-trees.ts'
import { Fleet, type FleetAgent } from '../fleet/fleet.ts'
import { distribute, folderOf } from '../fleet/policy.ts'
import { waitFor } from '../fleet/wait.ts'
import type { RegionHost, RegionNetwork } from '../network/region-network.ts'
import type { Trouble } from './cases.ts'

const FOLDER = 'tree'
const STARTED_AT_ONCE = 3
const WEIGHT_MOST = 1000
/** So much that no load makes up for it, but for one that is too high for anything. */
const WEIGHT_STEP = 0.4
/** Files beside a large one. */
const SMALL_FILES = 40
const SMALL_BYTES = 4000

/** By the name of a target: who sends to it, or null where nobody can. */
export type Ways = ReadonlyMap<string, string | null>

interface JobView {
  readonly id: string
  readonly targets: readonly {
    readonly serverId: string
    readonly state: string
    readonly via: string | null
    readonly bytesOnWire: number
  }[]
}

interface RouteView {
  readonly hops: readonly { readonly from: string; readonly to: string }[]
  readonly unreachable: readonly { readonly serverId: string }[]
}

/** A host with its agent. */
export interface Server {
  readonly host: RegionHost
  readonly agent: FleetAgent
}

/** A source and targets on all hosts of a network, one policy over all of them, and what becomes of a change. */
export class RegionScene {
  readonly network: RegionNetwork
  readonly fleet: Fleet
  readonly source: Server
  readonly targets: readonly Server[]
  readonly #policyId: string
  #knownJobs = new Set<string>()
  #round = 0

  private constructor(
    network: RegionNetwork,
    fleet: Fleet,
    of: { readonly servers: readonly Server[]; readonly policyId: string },
  ) {
    const [source, ...targets] = of.servers
    if (source === undefined) throw new Error('a network without hosts')
    this.network = network
    this.fleet = fleet
    this.source = source
    this.targets = targets
    this.#policyId = of.policyId
  }

  static async start(directory: string, network: RegionNetwork): Promise<RegionScene> {
    const fleet = new Fleet(directory, network.address)
    try {
      await fleet.initialize()
      await fleet.startMaster()
      const servers = await startServers(fleet, network)
      await giveWeights(fleet, servers)
      for (const { agent } of servers)
        mkdirSync(folderOf(fleet, agent, FOLDER), { recursive: true })
      const [source, ...targets] = servers.map(({ agent }) => agent)
      if (source === undefined) throw new Error('a network without hosts')
      // Each change takes the files of the one before away.
      const more = { maxDelete: { count: null, percent: null, windowS: 600 } }
      const policyId = await distribute(fleet, {
        name: 'all',
        source,
        targets,
        folder: FOLDER,
        more,
      })
      return new RegionScene(network, fleet, { servers, policyId })
    } catch (thrown) {
      await fleet.stop()
      throw thrown
    }
  }

  /** Adds content, in one step: a large file of bytes that nothing makes smaller, and small ones. */
  async change(bytes: number): Promise<void> {
    this.#knownJobs = new Set((await this.#jobs()).map(({ id }) => id))
    const folder = folderOf(this.fleet, this.source.agent, FOLDER)
    const name = `change-${++this.#round}`
    const made = join(folder, '..', name)
    mkdirSync(made)
    writeFileSync(join(made, 'large'), randomFillSync(new Uint8Array(bytes)))
    for (let index = 0; index < SMALL_FILES; index++)
      writeFileSync(join(made, `small-${index}`), randomFillSync(new Uint8Array(SMALL_BYTES)))
    renameSync(made, join(folder, name))
  }

  /** Whether these targets hold what the source holds. */
  areIdentical(targets: readonly Server[]): boolean {
    return targets.every((target) => this.differences(target).length === 0)
  }

  differences({ agent }: Server): string[] {
    const { fleet, source } = this
    return compareTrees(folderOf(fleet, source.agent, FOLDER), folderOf(fleet, agent, FOLDER), 3)
  }

  async identical(targets: readonly Server[], timeoutMs: number): Promise<void> {
    const left = new Set(targets)
    const look = (): boolean => {
      for (const target of left) if (this.differences(target).length === 0) left.delete(target)
      return left.size === 0
    }
    await waitFor('targets to equal the source', look, timeoutMs).catch((thrown: unknown) => {
      const found = [...left].map((one) => `${one.host.name}: ${this.differences(one).join('; ')}`)
      throw new Error(`not identical: ${found.join('\n')}`, { cause: thrown })
    })
  }

  /** Resolves once some of the content has come to a target. */
  async arriving({ agent }: Server, bytes: number): Promise<void> {
    const folder = folderOf(this.fleet, agent, FOLDER)
    const find = ['find', folder, '-path', '*.cd-staging*', '-size', `+${Math.ceil(bytes / 1024)}k`]
    await waitFor(`content at ${agent.name}`, () => Bun.spawnSync(find).stdout.length > 0)
  }

  /** Takes the content away again; everyone is to have all, and to say so. */
  async settle(timeoutMs: number): Promise<void> {
    const folder = folderOf(this.fleet, this.source.agent, FOLDER)
    rmSync(join(folder, `change-${this.#round}`), { recursive: true, force: true })
    await this.fleet.api.post(`/policies/${this.#policyId}/sync`, {})
    await this.fleet.converged(this.#policyId, timeoutMs)
    await this.identical(this.targets, timeoutMs)
  }

  /** What the master answers when asked how so many bytes would go in a trouble. */
  async predicted(bytes: number, trouble: Pick<Trouble, 'lost' | 'cut'>): Promise<Ways> {
    const lost = trouble.lost.map(({ agent }) => agent.serverId).join(',')
    const gone = lost === '' ? '' : `&without=${lost}`
    const cut = trouble.cut === null ? '' : `&cut=name:region-${trouble.cut}`
    const { hops, unreachable } = await this.fleet.api.get<RouteView>(
      `/policies/${this.#policyId}/route?bytes=${bytes}${gone}${cut}`,
    )
    const ways = hops.map(({ from, to }) => [this.#nameOf(to), this.#nameOf(from)] as const)
    return new Map([
      ...ways,
      ...unreachable.map(({ serverId }) => [this.#nameOf(serverId), null] as const),
    ])
  }

  /** The region of a host, by name. */
  regionOf(name: string | null): number | null {
    return this.network.hosts.find((host) => host.name === name)?.region ?? null
  }

  /** By whom the targets got what changed last, most of it; null for those that have not. */
  async ways(): Promise<Ways> {
    const jobs = (await this.#jobs()).filter(({ id }) => !this.#knownJobs.has(id))
    const whole = jobs.map(({ id }) => this.fleet.api.get<JobView>(`/jobs/${id}`))
    const all = (await Promise.all(whole)).flatMap(({ targets }) => targets)
    const brought = all.filter(({ state, via }) => state === 'done' && via !== null)
    const rising = brought.toSorted((one, other) => one.bytesOnWire - other.bytesOnWire)
    const ways = new Map<string, string | null>(this.targets.map(({ host }) => [host.name, null]))
    for (const { serverId, via } of rising)
      ways.set(this.#nameOf(serverId), via === null ? null : this.#nameOf(via))
    return ways
  }

  /** It forgets what it knows only from watching; resolves when all agents are back. */
  async restartMaster(): Promise<void> {
    await this.fleet.master.stop()
    await this.fleet.startMaster()
    const isUp = async ({ agent }: Server) => {
      const { state } = await this.fleet.api.get<{ state: string }>(`/servers/${agent.serverId}`)
      return state === 'up'
    }
    for (const server of [this.source, ...this.targets])
      await waitFor(`${server.host.name} to be back`, () => isUp(server))
  }

  async stop(): Promise<void> {
    await this.fleet.stop()
  }

  async #jobs(): Promise<readonly JobView[]> {
    const path = `/jobs?policyId=${this.#policyId}&limit=100`
    return (await this.fleet.api.get<{ items: readonly JobView[] }>(path)).items
  }

  #nameOf(serverId: string): string {
    return this.fleet.agents.find((agent) => agent.serverId === serverId)?.name ?? serverId
  }
}

/** All hosts share one machine, so that what is measured says nothing: each passes on clearly more than the next. */
async function giveWeights(fleet: Fleet, servers: readonly Server[]): Promise<void> {
  for (const inRegion of Map.groupBy(servers, ({ host }) => host.region).values()) {
    let weight = WEIGHT_MOST
    for (const { agent } of inRegion) {
      await fleet.api.patch(`/servers/${agent.serverId}`, { weight: Math.ceil(weight) })
      weight *= WEIGHT_STEP
    }
  }
}

async function startServers(fleet: Fleet, network: RegionNetwork): Promise<Server[]> {
  const groups = new Map<string, string>()
  for (const { region, group } of network.hosts) {
    const name = `group-${region}-${group}`
    if (!groups.has(name)) groups.set(name, await fleet.addGroup(name, `region-${region}`))
  }
  const servers: Server[] = []
  for (let first = 0; first < network.hosts.length; first += STARTED_AT_ONCE) {
    const some = network.hosts.slice(first, first + STARTED_AT_ONCE)
    const started = some.map(async (host): Promise<Server> => {
      const { name, region, group, address, wrapper } = host
      const groupId = groups.get(`group-${region}-${group}`) ?? ''
      return { host, agent: await fleet.addAgent(name, groupId, { host: address, wrapper }) }
    })
    servers.push(...(await Promise.all(started)))
  }
  return servers
}
