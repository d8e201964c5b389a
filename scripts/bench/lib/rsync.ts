import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort, waitFor } from '../../fleet/wait.ts'
import { loopbackBytes } from './own-network.ts'
import { ProcessWatch } from './processes.ts'
import type { Measured } from './report.ts'

/** An rsync daemon that receives below one folder, on a loopback port. */
export class RsyncDaemon {
  readonly #url: string
  readonly #child: Bun.Subprocess

  private constructor(url: string, child: Bun.Subprocess) {
    this.#url = url
    this.#child = child
  }

  /**
   * Starts a daemon whose configuration lies in `directory`; resolves when it answers. `throughPort` gives the port by
   * which clients are to reach it.
   */
  static async start(
    directory: string,
    folder: string,
    throughPort: (port: number) => number = (port) => port,
  ): Promise<RsyncDaemon> {
    mkdirSync(folder, { recursive: true })
    const port = freePort()
    const path = join(directory, 'rsyncd.conf')
    const module = `[tree]\npath = ${folder}\nread only = false\nuse chroot = false\nuid = 0\ngid = 0\n`
    writeFileSync(path, `address = 127.0.0.1\nport = ${port}\nreverse lookup = no\n${module}`)
    const command = ['rsync', '--daemon', '--no-detach', `--config=${path}`]
    const child = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'inherit'] })
    const url = `rsync://127.0.0.1:${throughPort(port)}/tree/`
    // Not to be waited for without a turn for others: what leads there may be in this process.
    const answers = async () => (await Bun.spawn(['rsync', url], { stdout: 'ignore' }).exited) === 0
    await waitFor('the rsync daemon', answers)
    return new RsyncDaemon(url, child)
  }

  /** Pushes a folder into a folder of the daemon's tree; the time is that of the client's process. */
  async push(source: string, name: string, options: readonly string[] = ['-a']): Promise<Measured> {
    const watch = new ProcessWatch(new Map([['rsync daemon', [this.#child.pid]]]), true)
    const before = loopbackBytes()
    const startedAt = performance.now()
    const command = ['rsync', ...options, `${source}/`, `${this.#url}${name}/`]
    const client = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'inherit'] })
    if ((await client.exited) !== 0) throw new Error(`rsync ended with ${client.exitCode}`)
    const timeMs = performance.now() - startedAt
    const wireBytes = loopbackBytes() - before
    const usage = client.resourceUsage()
    const cpuS = Number(usage?.cpuTime.total ?? 0) / 1e6
    const processes = watch.finish()
    processes.set('rsync client', { cpuS, peakBytes: usage?.maxRSS ?? 0 })
    return { timeMs, wireBytes, processes }
  }

  async stop(): Promise<void> {
    this.#child.kill()
    await this.#child.exited
  }
}
