import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { compareTrees } from '../../fleet/compare-trees.ts'
import { Fleet, type FleetAgent } from '../../fleet/fleet.ts'
import { distribute, folderOf } from '../../fleet/policy.ts'
import { ServerProcess } from '../../fleet/server-process.ts'
import { waitFor } from '../../fleet/wait.ts'
import { ConvergenceWatch } from './convergence.ts'
import { loopbackBytes } from './own-network.ts'
import { ProcessWatch, usedBy, withDescendants } from './processes.ts'
import type { Measured } from './report.ts'

/** A million files take their time. */
const CONVERGED_TIMEOUT_MS = 1_800_000

const OPEN: ReadonlySet<string> = new Set(['queued', 'running', 'held'])

/** A folder for a benchmark, in memory unless the disk is asked for; it goes with `remove`. */
export function benchFolder(name: string, onDisk: boolean): { path: string; remove: () => void } {
  const path = mkdtempSync(join(onDisk ? tmpdir() : '/dev/shm', `cd-bench-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** How the files of a policy are sent. */
export interface Distribution {
  readonly method: 'copy' | 'patch'
  /** The first so many of the installation's. */
  readonly targets: number
}

/** A master, one source and some targets of the executables on this machine. */
export class Installation {
  readonly #fleet: Fleet
  #source: FleetAgent
  readonly #targets: readonly FleetAgent[]

  private constructor(fleet: Fleet, source: FleetAgent, targets: readonly FleetAgent[]) {
    this.#fleet = fleet
    this.#source = source
    this.#targets = targets
  }

  /** `throughPort` gives, for the port of a target, the one by which the source is to reach it. */
  static async start(
    directory: string,
    targetCount = 1,
    throughPort: (port: number) => number = (port) => port,
  ): Promise<Installation> {
    const fleet = new Fleet(directory)
    try {
      await fleet.initialize()
      await fleet.startMaster()
      const group = await fleet.addGroup('one')
      const source = await fleet.addAgent('source', group)
      const targets: FleetAgent[] = []
      const place = { host: '127.0.0.1', wrapper: [], throughPort }
      while (targets.length < targetCount)
        targets.push(await fleet.addAgent(`target-${targets.length + 1}`, group, place))
      return new Installation(fleet, source, targets)
    } catch (thrown) {
      await fleet.stop()
      throw thrown
    }
  }

  /** Where the source of a run must lie before it. */
  sourceFolder(name: string): string {
    return folderOf(this.#fleet, this.#source, name)
  }

  /** Where a run's files arrive, on each target. */
  targetFolders(name: string): string[] {
    return this.#targets.map((target) => folderOf(this.#fleet, target, name))
  }

  /**
   * Measures a first distribution: from the word to enable a policy until the master has the receipt for everything. The
   * trees are compared after that. The policy stays.
   */
  async distribute(
    name: string,
    { method, targets }: Distribution = { method: 'copy', targets: 1 },
  ): Promise<{ policyId: string; measured: Measured }> {
    const folders = this.targetFolders(name).slice(0, targets)
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    const measured = await this.#measure(name, () =>
      distribute(this.#fleet, {
        name,
        source: this.#source,
        targets: this.#targets.slice(0, targets),
        folder: name,
        // As rsync does by default.
        hops: [{ scope: 'group', method, compression: 0, tls: true, rateBytesPerS: null }],
      }),
    )
    return { policyId: measured.policyId, measured }
  }

  /** Restarts the source with the watcher that cannot say it has told everything: each synchronization scans. */
  async watchByScans(): Promise<void> {
    await this.#restartSource(['--watcher', 'parcel'])
  }

  /** Restarts the source, which forgets what it did not write down; resolves when all is as it was. */
  async restartSource(policyId: string): Promise<void> {
    const before = await this.#completeAt(policyId)
    await this.#restartSource([])
    const isThrough = async () => {
      const { converged } = await this.#fleet.converged(policyId, CONVERGED_TIMEOUT_MS)
      return converged && (await this.#completeAt(policyId)) !== before
    }
    await waitFor('the source to be looked through', isThrough, CONVERGED_TIMEOUT_MS)
  }

  /** The largest that the source's agent has been since it started, in bytes. */
  sourcePeakBytes(): number {
    return usedBy(this.#source.process.pid)?.peakBytes ?? 0
  }

  /** Measures from the word to synchronize until the source was looked through and the job is done. */
  async synchronize(policyId: string, name: string): Promise<Measured> {
    const before = await this.#completeAt(policyId)
    const measured = await this.#measure(name, async () => {
      const { jobId } = await this.#fleet.api.post<{ jobId: string }>(
        `/policies/${policyId}/sync`,
        {},
      )
      const untilMs = performance.now() + CONVERGED_TIMEOUT_MS
      let job = { state: 'queued' }
      while (OPEN.has(job.state) && performance.now() < untilMs)
        job = await this.#fleet.api.get<{ state: string }>(`/jobs/${jobId}?waitS=60`)
      if (job.state !== 'done') throw new Error(`job ${jobId} ended as ${job.state}`)
      return policyId
    })
    if ((await this.#completeAt(policyId)) === before) throw new Error('the source was not scanned')
    return measured
  }

  /** Measures from a change of the source until the master has the receipts for it. */
  async change(policyId: string, name: string, act: () => void): Promise<Measured> {
    const { headSeq } = await this.#fleet.converged(policyId)
    const changed = async () => {
      act()
      return policyId
    }
    return this.#measure(name, changed, headSeq)
  }

  /** Ends a policy and removes its trees. */
  async forget(policyId: string, name: string): Promise<void> {
    await this.#fleet.api.delete(`/policies/${policyId}`)
    for (const folder of [this.sourceFolder(name), ...this.targetFolders(name)])
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

  async #restartSource(args: readonly string[]): Promise<void> {
    const { name, process } = this.#source
    await process.stop()
    const restarted = new ServerProcess('cd-agent', [...process.args, ...args], process.logPath)
    this.#source = { ...this.#source, process: restarted }
    restarted.start()
    await waitFor(`agent ${name}`, () => this.#isSourceUp())
  }

  async #isSourceUp(): Promise<boolean> {
    const { serverId } = this.#source
    return (await this.#fleet.api.get<{ state: string }>(`/servers/${serverId}`)).state === 'up'
  }

  async #measure(
    name: string,
    act: () => Promise<string>,
    knownSeq?: number,
  ): Promise<Measured & { policyId: string }> {
    const convergence = await ConvergenceWatch.start(this.#fleet.api)
    const watch = new ProcessWatch(this.#processes())
    const before = loopbackBytes()
    const startedAt = performance.now()
    const policyId = await act()
    await convergence.converged(policyId, CONVERGED_TIMEOUT_MS, knownSeq)
    const timeMs = performance.now() - startedAt
    convergence.stop()
    const wireBytes = loopbackBytes() - before
    const processes = watch.finish()
    const differences = this.targetFolders(name)
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => compareTrees(this.sourceFolder(name), folder))
    if (differences.length > 0) throw new Error(`trees differ: ${differences.join('; ')}`)
    return { policyId, timeMs, wireBytes, processes }
  }

  #processes(): Map<string, readonly number[]> {
    const childOf = (pid: number) => withDescendants([pid]).slice(1)
    const source = this.#source.process.pid
    const targets = this.#targets.map((target) => target.process.pid)
    return new Map([
      ['master', [this.#fleet.master.pid]],
      ['source agent', [source]],
      ['sync server of source', childOf(source)],
      ['target agent', targets],
      ['sync server of target', targets.flatMap(childOf)],
    ])
  }
}
