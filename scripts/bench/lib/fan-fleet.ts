import { mkdirSync, rmSync } from 'node:fs'

import { compareTrees } from '../../fleet/compare-trees.ts'
import { Fleet, type FleetAgent } from '../../fleet/fleet.ts'
import { distribute, folderOf } from '../../fleet/policy.ts'
import { ConvergenceWatch } from './convergence.ts'
import type { FanRun } from './fan-report.ts'
import type { HostNetwork } from './host-network.ts'
import { ProcessWatch, withDescendants } from './processes.ts'

const CONVERGED_TIMEOUT_MS = 300_000

/** A master beside a network of hosts: the source on the first of them, a target on each of the others. */
export class FanFleet {
  readonly #network: HostNetwork
  readonly #fleet: Fleet
  readonly #source: FleetAgent
  readonly #targets: readonly FleetAgent[]

  private constructor(network: HostNetwork, fleet: Fleet, agents: readonly FleetAgent[]) {
    const [source, ...targets] = agents
    if (source === undefined) throw new Error('a network without hosts')
    this.#network = network
    this.#fleet = fleet
    this.#source = source
    this.#targets = targets
  }

  static async start(directory: string, network: HostNetwork): Promise<FanFleet> {
    const fleet = new Fleet(directory, network.address)
    try {
      await fleet.initialize()
      await fleet.startMaster()
      const group = await fleet.addGroup('one')
      const agents: FleetAgent[] = []
      for (const { address, wrapper } of network.hosts) {
        const name = agents.length === 0 ? 'source' : `target-${agents.length}`
        agents.push(await fleet.addAgent(name, group, { host: address, wrapper }))
      }
      return new FanFleet(network, fleet, agents)
    } catch (thrown) {
      await fleet.stop()
      throw thrown
    }
  }

  /** Where the tree of a run must lie before it. */
  sourceFolder(name: string): string {
    return folderOf(this.#fleet, this.#source, name)
  }

  /**
   * Measures a first distribution with the options that a policy has by itself: from the word to enable it until the master
   * has the receipts of all targets. The trees are compared after that, and removed.
   */
  async distribute(name: string): Promise<FanRun> {
    const folders = this.#targets.map((target) => folderOf(this.#fleet, target, name))
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    const convergence = await ConvergenceWatch.start(this.#fleet.api, 'job')
    const watch = new ProcessWatch(this.#processes())
    const before = this.#network.linkBytes()
    const startedAt = performance.now()
    const [source, targets] = [this.#source, this.#targets]
    const policyId = await distribute(this.#fleet, { name, source, targets, folder: name })
    await convergence.converged(policyId, CONVERGED_TIMEOUT_MS)
    const timeMs = performance.now() - startedAt
    convergence.stop()
    const links = this.#network.linkBytes()
    const processes = watch.finish()
    for (const folder of folders) {
      const differences = compareTrees(this.sourceFolder(name), folder)
      if (differences.length > 0) throw new Error(`trees differ: ${differences.join('; ')}`)
    }
    await this.#fleet.api.delete(`/policies/${policyId}`)
    for (const folder of [this.sourceFolder(name), ...folders])
      rmSync(folder, { recursive: true, force: true })
    return { timeMs, before, links, processes }
  }

  async stop(): Promise<void> {
    await this.#fleet.stop()
  }

  #processes(): Map<string, readonly number[]> {
    const groups = new Map<string, readonly number[]>([['master', [this.#fleet.master.pid]]])
    for (const { name, process } of [this.#source, ...this.#targets]) {
      groups.set(`agent of ${name}`, [process.pid])
      groups.set(`sync server of ${name}`, withDescendants([process.pid]).slice(1))
    }
    return groups
  }
}
