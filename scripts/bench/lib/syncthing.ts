import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { waitFor } from '../../fleet/wait.ts'
import type { FanRun } from './fan-report.ts'
import type { Host, HostNetwork } from './host-network.ts'
import { ProcessWatch, withDescendants } from './processes.ts'

const KEY = 'bench'
const ASK_MS = 200
const TIMEOUT_MS = 600_000

interface Instance {
  readonly host: Host
  readonly deviceId: string
  readonly home: string
  readonly child: Bun.Subprocess
}

/** A syncthing on every host, all of which know each other; nothing of it leaves these hosts. */
export class SyncthingCluster {
  readonly #network: HostNetwork
  readonly #instances: readonly Instance[]

  private constructor(network: HostNetwork, instances: readonly Instance[]) {
    this.#network = network
    this.#instances = instances
  }

  static async start(directory: string, network: HostNetwork): Promise<SyncthingCluster> {
    const homes = network.hosts.map((host) => ({ host, home: join(directory, host.name) }))
    const devices = homes.map(({ host, home }) => ({ host, home, deviceId: generate(home) }))
    const instances = devices.map((device): Instance => {
      const all = devices.map(({ host, deviceId }) => ({ address: host.address, deviceId }))
      writeFileSync(join(device.home, 'config.xml'), configuration(device.host.address, all))
      const command = [
        'syncthing',
        'serve',
        `--home=${device.home}`,
        '--no-browser',
        '--no-upgrade',
      ]
      const child = Bun.spawn([...device.host.wrapper, ...command], {
        env: { PATH: '/usr/bin:/bin', HOME: device.home },
        stdio: ['ignore', 'ignore', 'ignore'],
      })
      return { ...device, child }
    })
    const cluster = new SyncthingCluster(network, instances)
    for (const instance of instances) {
      await waitFor('syncthing to know the others', async () => {
        const { connections } = await ask<{ connections: Record<string, { connected: boolean }> }>(
          instance,
          '/rest/system/connections',
        )
        const connected = Object.values(connections).filter((one) => one.connected)
        return connected.length === instances.length - 1
      })
    }
    return cluster
  }

  /** Shares a folder of the first host with all others: from that until every one of them has all of it. */
  async distribute(source: string, run: string, fileCount: number): Promise<FanRun> {
    const [from, ...to] = this.#instances
    if (from === undefined) throw new Error('a network without hosts')
    for (const instance of to) await this.#share(instance, run, join(instance.home, run))
    const groups = this.#instances.map(({ host, child }) => {
      return [`syncthing of ${host.name}`, withDescendants([child.pid])] as const
    })
    const watch = new ProcessWatch(new Map(groups))
    const before = this.#network.linkBytes()
    const startedAt = performance.now()
    await this.#share(from, run, source)
    for (const instance of to) await this.#complete(instance, run, fileCount)
    const timeMs = performance.now() - startedAt
    const links = this.#network.linkBytes()
    const processes = watch.finish()
    for (const instance of this.#instances) {
      await ask(instance, `/rest/config/folders/${run}`, { method: 'DELETE' })
      rmSync(join(instance.home, run), { recursive: true, force: true })
    }
    return { timeMs, before, links, processes }
  }

  async stop(): Promise<void> {
    for (const { child } of this.#instances) child.kill()
    for (const { child } of this.#instances) await child.exited
  }

  async #share(instance: Instance, id: string, path: string): Promise<void> {
    mkdirSync(path, { recursive: true })
    const devices = this.#instances.map(({ deviceId }) => ({ deviceID: deviceId }))
    const folder = { id, path, devices, fsWatcherEnabled: false, rescanIntervalS: 0 }
    await ask(instance, `/rest/config/folders/${id}`, {
      method: 'PUT',
      body: JSON.stringify({ ...folder, minDiskFree: { value: 0, unit: '%' } }),
    })
  }

  async #complete(instance: Instance, id: string, fileCount: number): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS
    for (;;) {
      const { globalFiles, needTotalItems, state } = await ask<{
        globalFiles: number
        needTotalItems: number
        state: string
      }>(instance, `/rest/db/status?folder=${id}`)
      if (globalFiles === fileCount && needTotalItems === 0 && state === 'idle') return
      if (performance.now() > deadline) throw new Error('syncthing did not end')
      await Bun.sleep(ASK_MS)
    }
  }
}

async function ask<T>({ host }: Instance, path: string, init: RequestInit = {}): Promise<T> {
  const headers = { 'x-api-key': KEY, 'content-type': 'application/json' }
  const response = await fetch(`http://${host.address}:8384${path}`, { ...init, headers })
  const text = await response.text()
  if (!response.ok) throw new Error(`syncthing answered ${response.status}: ${text}`)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** Makes key and certificate; gives the id that follows from them. */
function generate(home: string): string {
  mkdirSync(home, { recursive: true })
  const command = ['syncthing', 'generate', `--home=${home}`, '--no-default-folder']
  const made = Bun.spawnSync(command, { env: { PATH: '/usr/bin:/bin', HOME: home } })
  const id = /<device id="([A-Z0-9-]+)"/.exec(readFileSync(join(home, 'config.xml'), 'utf8'))?.[1]
  if (made.exitCode !== 0 || id === undefined) throw new Error('syncthing cannot make a key')
  return id
}

function configuration(
  address: string,
  devices: readonly { readonly address: string; readonly deviceId: string }[],
): string {
  const others = devices.map(({ deviceId, address: at }) => {
    return `<device id="${deviceId}"><address>tcp://${at}:22000</address></device>`
  })
  return `<configuration version="36">
${others.join('\n')}
<gui enabled="true" tls="false"><address>${address}:8384</address><apikey>${KEY}</apikey></gui>
<options>
<listenAddress>tcp://${address}:22000</listenAddress>
<globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
<relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><urAccepted>-1</urAccepted>
<crashReportingEnabled>false</crashReportingEnabled><autoUpgradeIntervalH>0</autoUpgradeIntervalH>
<startBrowser>false</startBrowser><setLowPriority>false</setLowPriority>
<reconnectionIntervalS>5</reconnectionIntervalS>
</options>
</configuration>
`
}
