import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { compareTrees } from '../../fleet/compare-trees.ts'
import { waitFor } from '../../fleet/wait.ts'
import type { FanRun } from './fan-report.ts'
import type { Host, HostNetwork } from './host-network.ts'
import { ProcessWatch } from './processes.ts'

const PORT = 8730

/** An rsync daemon on every host but the first, which sends to all of them at once. */
export class RsyncStar {
  readonly #directory: string
  readonly #network: HostNetwork
  readonly #daemons: ReadonlyMap<Host, Bun.Subprocess>

  private constructor(
    directory: string,
    network: HostNetwork,
    daemons: ReadonlyMap<Host, Bun.Subprocess>,
  ) {
    this.#directory = directory
    this.#network = network
    this.#daemons = daemons
  }

  static async start(directory: string, network: HostNetwork): Promise<RsyncStar> {
    const daemons = new Map<Host, Bun.Subprocess>()
    for (const host of network.hosts.slice(1)) {
      const folder = join(directory, host.name)
      mkdirSync(folder, { recursive: true })
      const path = join(directory, `${host.name}.conf`)
      const module = `[tree]\npath = ${folder}\nread only = false\nuse chroot = false\nuid = 0\ngid = 0\n`
      writeFileSync(
        path,
        `address = ${host.address}\nport = ${PORT}\nreverse lookup = no\n${module}`,
      )
      const command = [...host.wrapper, 'rsync', '--daemon', '--no-detach', `--config=${path}`]
      daemons.set(host, Bun.spawn(command, { stdio: ['ignore', 'ignore', 'inherit'] }))
      const url = `rsync://${host.address}:${PORT}/tree/`
      await waitFor('the rsync daemon', () => Bun.spawnSync(['rsync', url]).exitCode === 0)
    }
    return new RsyncStar(directory, network, daemons)
  }

  /** Pushes a folder to all at once: from the start of the first client to the end of the last. */
  async push(source: string, run: string, options: readonly string[]): Promise<FanRun> {
    const [from] = this.#network.hosts
    if (from === undefined) throw new Error('a network without hosts')
    const groups = [...this.#daemons].map(
      ([host, { pid }]) => [`rsync daemon of ${host.name}`, [pid]] as const,
    )
    const watch = new ProcessWatch(new Map(groups), true)
    const before = this.#network.linkBytes()
    const startedAt = performance.now()
    const clients = [...this.#daemons.keys()].map((host) => {
      const url = `rsync://${host.address}:${PORT}/tree/${run}/`
      const command = [...from.wrapper, 'rsync', ...options, `${source}/`, url]
      return Bun.spawn(command, { stdio: ['ignore', 'ignore', 'inherit'] })
    })
    for (const client of clients)
      if ((await client.exited) !== 0) throw new Error(`rsync ended with ${client.exitCode}`)
    const timeMs = performance.now() - startedAt
    const links = this.#network.linkBytes()
    const processes = watch.finish()
    const usages = clients.map((client) => client.resourceUsage())
    processes.set('rsync clients', {
      cpuS: usages.reduce((sum, usage) => sum + Number(usage?.cpuTime.total ?? 0) / 1e6, 0),
      peakBytes: Math.max(...usages.map((usage) => usage?.maxRSS ?? 0)),
    })
    for (const { name } of this.#daemons.keys()) {
      const folder = join(this.#directory, name, run)
      const differences = compareTrees(source, folder)
      if (differences.length > 0) throw new Error(`trees differ: ${differences.join('; ')}`)
      rmSync(folder, { recursive: true })
    }
    return { timeMs, before, links, processes }
  }

  async stop(): Promise<void> {
    for (const daemon of this.#daemons.values()) daemon.kill()
    for (const daemon of this.#daemons.values()) await daemon.exited
  }
}
