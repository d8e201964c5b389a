import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { compareTrees } from '../../fleet/compare-trees.ts'
import { Fleet, type FleetAgent } from '../../fleet/fleet.ts'
import { distribute, folderOf } from '../../fleet/policy.ts'
import { ServerProcess } from '../../fleet/server-process.ts'
import { waitFor } from '../../fleet/wait.ts'
import { ConvergenceWatch } from './convergence.ts'
import { loopbackBytes } from './own-network.ts'
import { ProcessWatch, withDescendants } from './processes.ts'
import type { Measured } from './report.ts'

const CONVERGED_TIMEOUT_MS = 120_000

/** A folder for a benchmark, in memory unless the disk is asked for; it goes with `remove`. */
export function benchFolder(name: string, onDisk: boolean): { path: string; remove: () => void } {
  const path = mkdtempSync(join(onDisk ? tmpdir() : '/dev/shm', `cd-bench-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** A master, one source and one target of the executables on this machine. */
export class Installation {
  readonly #fleet: Fleet
  #source: FleetAgent
  readonly #target: FleetAgent

  private constructor(fleet: Fleet, source: FleetAgent, target: FleetAgent) {
    this.#fleet = fleet
    this.#source = source
    this.#target = target
  }

  static async start(directory: string): Promise<Installation> {
    const fleet = new Fleet(directory)
    try {
      await fleet.initialize()
      await fleet.startMaster()
      const group = await fleet.addGroup('one')
      const source = await fleet.addAgent('source', group)
      const target = await fleet.addAgent('target', group)
      return new Installation(fleet, source, target)
    } catch (thrown) {
      await fleet.stop()
      throw thrown
    }
  }

  /** Where the source of a run must lie before it. */
  sourceFolder(name: string): string {
    return folderOf(this.#fleet, this.#source, name)
  }

  targetFolder(name: string): string {
    return folderOf(this.#fleet, this.#target, name)
  }

  /**
   * Measures a first distribution: from the word to enable a policy until the master has the receipt for everything. The
   * trees are compared after that. The policy stays.
   */
  async distribute(name: string): Promise<{ policyId: string; measured: Measured }> {
    mkdirSync(this.targetFolder(name), { recursive: true })
    const measured = await this.#measure(name, () =>
      distribute(this.#fleet, {
        name,
        source: this.#source,
        targets: [this.#target],
        folder: name,
        // As rsync does by default.
        hops: [{ scope: 'group', method: 'copy', compression: 0, tls: true, rateBytesPerS: null }],
      }),
    )
    return { policyId: measured.policyId, measured }
  }

  /** Restarts the source with the watcher that cannot say it has told everything: each synchronization scans. */
  async watchByScans(): Promise<void> {
    const { name, process } = this.#source
    await process.stop()
    const args = [...process.args, '--watcher', 'parcel']
    const restarted = new ServerProcess('cd-agent', args, process.logPath)
    this.#source = { ...this.#source, process: restarted }
    restarted.start()
    await waitFor(`agent ${name}`, () => this.#isSourceUp())
  }

  /** Measures from the word to synchronize until the source was looked through and the job is done. */
  async synchronize(policyId: string, name: string): Promise<Measured> {
    const before = await this.#completeAt(policyId)
    const measured = await this.#measure(name, async () => {
      const { jobId } = await this.#fleet.api.post<{ jobId: string }>(
        `/policies/${policyId}/sync`,
        {},
      )
      const job = await this.#fleet.api.get<{ state: string }>(`/jobs/${jobId}?waitS=60`)
      if (job.state !== 'done') throw new Error(`job ${jobId} ended as ${job.state}`)
      return policyId
    })
    if ((await this.#completeAt(policyId)) === before) throw new Error('the source was not scanned')
    return measured
  }

  /** Ends a policy and removes its trees. */
  async forget(policyId: string, name: string): Promise<void> {
    await this.#fleet.api.delete(`/policies/${policyId}`)
    for (const folder of [this.sourceFolder(name), this.targetFolder(name)])
      rmSync(folder, { recursive: true, force: true })
  }

  async stop(): Promise<void> {
    await this.#source.process.stop()
    await this.#fleet.stop()
  }

  async #completeAt(policyId: string): Promise<string | null> {
    const { sources } = await this.#fleet.api.get<{ sources: { completeAt: string | null }[] }>(
      `/policies/${policyId}/convergence`,
    )
    return sources[0]?.completeAt ?? null
  }

  async #isSourceUp(): Promise<boolean> {
    const { serverId } = this.#source
    return (await this.#fleet.api.get<{ state: string }>(`/servers/${serverId}`)).state === 'up'
  }

  async #measure(
    name: string,
    act: () => Promise<string>,
  ): Promise<Measured & { policyId: string }> {
    const convergence = await ConvergenceWatch.start(this.#fleet.api)
    const watch = new ProcessWatch(this.#processes())
    const before = loopbackBytes()
    const startedAt = performance.now()
    const policyId = await act()
    await convergence.converged(policyId, CONVERGED_TIMEOUT_MS)
    const timeMs = performance.now() - startedAt
    convergence.stop()
    const wireBytes = loopbackBytes() - before
    const processes = watch.finish()
    const differences = compareTrees(this.sourceFolder(name), this.targetFolder(name))
    if (differences.length > 0) throw new Error(`trees differ: ${differences.join('; ')}`)
    return { policyId, timeMs, wireBytes, processes }
  }

  #processes(): Map<string, readonly number[]> {
    const childOf = (pid: number) => withDescendants([pid]).slice(1)
    const [source, target] = [this.#source.process.pid, this.#target.process.pid]
    return new Map([
      ['master', [this.#fleet.master.pid]],
      ['source agent', [source]],
      ['sync server of source', childOf(source)],
      ['target agent', [target]],
      ['sync server of target', childOf(target)],
    ])
  }
}
