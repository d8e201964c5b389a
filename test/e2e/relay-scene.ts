import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import { compareTrees } from '../../scripts/fleet/compare-trees.ts'
import type { Fleet, FleetAgent } from '../../scripts/fleet/fleet.ts'
import { distribute, folderOf } from '../../scripts/fleet/policy.ts'
import { waitFor } from '../../scripts/fleet/wait.ts'

const MIB = 1 << 20

/** What a job says of one of its targets. */
interface TargetView {
  readonly serverId: string
  readonly state: string
  readonly via: string | null
  readonly bytesOnWire: number
  readonly entriesFailed: number
}

interface JobView {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly targets: readonly TargetView[]
}

interface SceneOrder {
  readonly name: string
  readonly source: FleetAgent
  readonly targets: readonly FleetAgent[]
  /** Of every hop within a group; as fast as it goes where left out. */
  readonly rateMibPerS?: number
  readonly method?: 'copy' | 'patch'
  /** Rules beside the one for the group. */
  readonly hops?: readonly Readonly<Record<string, unknown>>[]
  /** Chains of a manual route. */
  readonly chains?: readonly (readonly FleetAgent[])[]
}

/** One policy of a fleet over folders of its own, and what its jobs come to. */
export class RelayScene {
  readonly #fleet: Fleet
  readonly #order: SceneOrder
  #policyId = ''

  private constructor(fleet: Fleet, order: SceneOrder) {
    this.#fleet = fleet
    this.#order = order
  }

  /** Makes the folders; `fill` prepares them before the policy is there. */
  static async open(
    fleet: Fleet,
    order: SceneOrder,
    fill: (scene: RelayScene) => void,
  ): Promise<RelayScene> {
    const scene = new RelayScene(fleet, order)
    for (const agent of [order.source, ...order.targets])
      mkdirSync(scene.folder(agent), { recursive: true })
    fill(scene)
    const { name, source, targets, rateMibPerS, method = 'copy', hops = [] } = order
    const rateBytesPerS = rateMibPerS === undefined ? null : rateMibPerS * MIB
    const group = { scope: 'group', method, compression: 0, tls: true, rateBytesPerS }
    const chains = order.chains?.map((chain) => ({
      servers: chain.map(({ serverId }) => serverId),
    }))
    const more = chains === undefined ? {} : { route: { kind: 'manual', chains } }
    const policy = { name, source, targets, folder: name, hops: [group, ...hops], more }
    scene.#policyId = await distribute(fleet, policy)
    return scene
  }

  get policyId(): string {
    return this.#policyId
  }

  folder(agent: FleetAgent): string {
    return folderOf(this.#fleet, agent, this.#order.name)
  }

  /** Writes something that does not shrink into the source. */
  write(name: string, mib: number): void {
    const file = openSync(join(this.folder(this.#order.source), name), 'w')
    for (let written = 0; written < mib; written++) writeSync(file, randomBytes(MIB))
    closeSync(file)
  }

  /** Writes a small file into the source. */
  writeText(name: string, text: string): void {
    writeFileSync(join(this.folder(this.#order.source), name), text)
  }

  /** Waits until these targets hold what the source holds. */
  async identical(targets: readonly FleetAgent[], timeoutMs = 60_000): Promise<void> {
    const source = this.folder(this.#order.source)
    for (const target of targets) {
      const differences = () => compareTrees(source, this.folder(target))
      await waitFor(
        `${target.name} to equal the source`,
        () => differences().length === 0,
        timeoutMs,
      ).catch((thrown: unknown) => {
        const found = differences()
        throw new Error(`${target.name} differs: ${found.join('; ')}`, { cause: thrown })
      })
    }
  }

  /** Whether a target holds what the source holds. */
  isIdentical(target: FleetAgent): boolean {
    return compareTrees(this.folder(this.#order.source), this.folder(target)).length === 0
  }

  async converged(timeoutMs = 60_000): Promise<void> {
    await this.#fleet.converged(this.#policyId, timeoutMs)
  }

  /** The targets in the order in which large content passes through them, as the master would plan it now. */
  async chain(): Promise<FleetAgent[]> {
    const { hops } = await this.#fleet.api.get<{ hops: { from: string; to: string }[] }>(
      `/policies/${this.#policyId}/route?bytes=${1 << 30}`,
    )
    return hops.flatMap(({ to }) => this.#order.targets.filter((one) => one.serverId === to))
  }

  /** The jobs so far, oldest first. */
  async jobs(): Promise<JobView[]> {
    const path = `/jobs?policyId=${this.#policyId}&limit=500`
    const { items } = await this.#fleet.api.get<{ items: JobView[] }>(path)
    return items.toReversed()
  }

  /** Who sent to each target in a job, by name. */
  async ways(job: JobView | undefined): Promise<Record<string, string>> {
    const nameOf = (id: string | null) =>
      this.#fleet.agents.find(({ serverId }) => serverId === id)?.name ?? 'nobody'
    const { targets } = await this.#fleet.api.get<JobView>(`/jobs/${job?.id ?? ''}`)
    return Object.fromEntries(targets.map(({ serverId, via }) => [nameOf(serverId), nameOf(via)]))
  }

  /** What left the source in all jobs, without what relays sent. */
  async egressBytes(): Promise<number> {
    const { serverId } = this.#order.source
    const targets = (await this.jobs()).flatMap((job) => job.targets)
    const own = targets.filter((target) => target.via === serverId)
    return own.reduce((sum, target) => sum + target.bytesOnWire, 0)
  }

  /** Waits until some of a large file is in the staging folder of a target. */
  async staged(target: FleetAgent): Promise<void> {
    const find = [
      'find',
      this.folder(target),
      '-path',
      '*.cd-staging*',
      '-type',
      'f',
      '-size',
      '+1M',
    ]
    await waitFor(`content at ${target.name}`, () => Bun.spawnSync(find).stdout.length > 0)
  }
}

/** The Sync Server is the child of its agent. */
export function syncServerPid(agent: FleetAgent): number {
  const { pid } = agent.process
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  if (children === '') throw new Error(`${agent.name} has no Sync Server`)
  return Number(children.split(' ')[0])
}
