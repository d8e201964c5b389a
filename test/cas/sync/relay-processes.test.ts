import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { lines } from '../../../src/cas/sync-server/lines.ts'
import type { JobNode } from '../../../src/core/wire/control.ts'
import type { SyncServerReport } from '../../../src/core/wire/sync-server.ts'
import { createDataDirectory } from '../../../src/platform/data-dir.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { type TreeNode, chain, serverId, treeNode } from '../../fakes/relay-fleet.ts'
import { SOURCE_PEER, SyncFleet } from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

// Sync Servers as processes, real TLS, real trees: a source and a chain of three.

setDefaultTimeout(60_000)

const LARGE_BYTES = 32 << 20
const NUMBERS = [1, 2, 3] as const

let fleet: SyncFleet
let folder: string
let source: DiskSource
let servers: Awaited<ReturnType<typeof serve>>[]

beforeEach(async () => {
  fleet = await SyncFleet.make()
  folder = mkdtempSync(join(tmpdir(), 'cd-relay-'))
  mkdirSync(join(folder, 'source'))
  for (let index = 0; index < 200; index++)
    writeFileSync(join(folder, `source/f${index}`), `${index} `.repeat(1000))
  writeFileSync(join(folder, 'source/large'), randomBytes(LARGE_BYTES))
  source = new DiskSource(join(folder, 'source'))
  source.scan()
  servers = []
  for (const number of NUMBERS) servers.push(await serve(number))
  const peers = servers.map(({ number, port }) => {
    const addresses = [{ scope: null, host: '127.0.0.1', port }]
    return { serverId: serverId(number), name: `${number}`, addresses }
  })
  for (const { tell, configuration, port } of servers)
    await tell({
      ...configuration,
      listen: { host: '127.0.0.1', port },
      peers: [SOURCE_PEER, ...peers],
    })
  await waitFor('the peers to be known', () =>
    servers.every(({ reports }) => reports.filter(isListening).length === 2),
  )
})

afterEach(async () => {
  await fleet.stop()
  for (const { child } of servers) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function serve(number: number) {
  const dataPath = join(folder, `data-${number}`)
  const targetPath = join(folder, `target-${number}`)
  mkdirSync(targetPath)
  await createDataDirectory(dataPath, 'agent', () => {})
  const program = join(import.meta.dir, '../../fakes/sync-server-process.ts')
  const child = Bun.spawn([process.execPath, program, dataPath], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const reports: SyncServerReport[] = []
  void (async () => {
    for await (const line of lines(child.stdout)) reports.push(JSON.parse(line))
  })()
  const configuration = await fleet.configuration({
    serverId: serverId(number),
    identity: await fleet.authority.issue(serverId(number)),
    targets: [fleet.targetConfig({ path: targetPath })],
  })
  const tell = async (command: object): Promise<void> => {
    void child.stdin.write(`${JSON.stringify(command)}\n`)
    await child.stdin.flush()
  }
  await tell(configuration)
  await waitFor('the port', () => reports.some(isListening))
  const listening = reports.find(isListening)
  return { number, child, reports, configuration, tell, targetPath, port: listening?.port ?? 0 }
}

function isListening(report: SyncServerReport) {
  return report.type === 'listening'
}

function server(number: number) {
  const found = servers.find((each) => each.number === number)
  if (found === undefined) throw new Error(`no server ${number}`)
  return found
}

async function send(trees: readonly TreeNode[], jobId: string, attempts = 1) {
  const ports = Object.fromEntries(servers.map(({ number, port }) => [serverId(number), port]))
  const { client, reports } = fleet.client(ports, source)
  const children: JobNode[] = []
  for (const tree of trees) children.push(await treeNode(fleet, tree, { jobId }))
  const retry = { attempts, backoffMs: 50 }
  const job = await fleet.job(source.headSeq(), { jobId, retry, children })
  return { ended: client.run(job), reports }
}

/** Content and names of everything below a folder. */
function listing(path: string): string {
  const command = 'find . -type f -exec sha256sum {} + | sort'
  return Bun.spawnSync(['sh', '-c', command], { cwd: path }).stdout.toString()
}

/** The source does not wait for the end of a chain. */
async function arrived(numbers: readonly number[]): Promise<void> {
  const expected = listing(join(folder, 'source'))
  for (const number of numbers) {
    const { targetPath } = server(number)
    await waitFor(`all at ${number}`, () => listing(targetPath) === expected)
  }
}

test('a chain of three processes: everything is everywhere, and the source sends it once', async () => {
  const { ended, reports } = await send([chain(...NUMBERS)], 'job-1')
  await ended
  expect(reports.at(-1)).toMatchObject({ state: 'done', serverId: serverId(1) })
  await arrived(NUMBERS)
  const bytes = reports.reduce((most, report) => Math.max(most, report.bytesOnWire), 0)
  expect(bytes / LARGE_BYTES).toBeWithin(1, 1.1)
})

test('the relay is killed in the middle: what was below it is served directly, and nothing is lost', async () => {
  // Slow enough to be met in the middle.
  const slow = { ...chain(...NUMBERS), rateBytesPerS: LARGE_BYTES / 4 }
  const first = await send([slow], 'job-1')
  await waitFor('content at the last', () => isStaged(server(3).targetPath))
  server(1).child.kill('SIGKILL')
  await first.ended
  const dropped = first.reports.filter(({ error }) => error?.code === 'RELAY_DROPPED')
  expect(dropped.map((report) => report.serverId)).toEqual([serverId(2), serverId(3)])
  // Whoever has not noticed yet that its sender is gone says that it is busy.
  const second = await send([{ number: 2 }, { number: 3 }], 'job-2', 10)
  await second.ended
  const ended = second.reports.filter(({ state }) => state !== 'running')
  expect(ended.map(({ state, error }) => [state, error])).toEqual([
    ['done', null],
    ['done', null],
  ])
  await arrived([2, 3])
})

/** Tells whether some of the large file is there. */
function isStaged(path: string): boolean {
  const found = Bun.spawnSync(['sh', '-c', `find ${path} -type f -size +1M | head -n 1`])
  return found.stdout.length > 0
}
