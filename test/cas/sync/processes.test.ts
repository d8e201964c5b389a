import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { lines } from '../../../src/cas/sync-server/lines.ts'
import type { Peer } from '../../../src/core/wire/control.ts'
import type { SyncServerReport } from '../../../src/core/wire/sync-server.ts'
import { createDataDirectory } from '../../../src/platform/data-dir.ts'
import { DiskSource } from '../../fakes/disk-source.ts'
import { random } from '../../fakes/random.ts'
import { startRecordingLine } from '../../fakes/recording-line.ts'
import { SOURCE_PEER, SOURCE_SERVER, SyncFleet, jobNode } from '../../fakes/sync-fleet.ts'
import { waitFor } from '../../fakes/wait-for.ts'

// Two processes, real TLS, real trees, the real index: what the Sync Server is when the agent runs it.

// Every set waits for the disk that all of this machine shares.
setDefaultTimeout(60_000)

let fleet: SyncFleet
let folder: string
let sourcePath: string
let targetPath: string
let dataPath: string
const children: ReturnType<typeof spawnChild>[] = []

beforeEach(async () => {
  fleet = await SyncFleet.make()
  folder = mkdtempSync(join(tmpdir(), 'cd-sync-'))
  sourcePath = join(folder, 'source')
  targetPath = join(folder, 'target')
  dataPath = join(folder, 'data')
  for (const path of [sourcePath, targetPath]) mkdirSync(path)
  await createDataDirectory(dataPath, 'agent', () => {})
})
afterEach(async () => {
  await fleet.stop()
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function spawnChild() {
  const program = join(import.meta.dir, '../../fakes/sync-server-process.ts')
  return Bun.spawn([process.execPath, program, dataPath], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
}

/** Starts the Sync Server's process; on the port of the one before where there was one. */
async function serve(port = 0, peers: readonly Peer[] = [SOURCE_PEER]) {
  const child = spawnChild()
  children.push(child)
  const reports: SyncServerReport[] = []
  void (async () => {
    for await (const line of lines(child.stdout)) reports.push(JSON.parse(line))
  })()
  const configuration = await fleet.configuration({
    listen: { host: '127.0.0.1', port },
    targets: [fleet.targetConfig({ path: targetPath })],
    peers: [...peers],
  })
  void child.stdin.write(`${JSON.stringify(configuration)}\n`)
  await child.stdin.flush()
  await waitFor('the port', () => reports.some(({ type }) => type === 'listening'))
  const listening = reports.find((report) => report.type === 'listening')
  return { child, reports, port: listening?.port ?? 0 }
}

/** Path, type, mode, size, mtime in nanoseconds and content of everything below a folder. */
function listing(path: string): string {
  const print = '%P %y %#m %s %T@ %l\\n'
  const found = Bun.spawnSync([
    'find',
    path,
    '-printf',
    print,
    '-not',
    '-name',
    '.',
  ]).stdout.toString()
  const withoutFolderSizes = found.replaceAll(/^(.*) d (\S+) \d+ /gm, '$1 d $2 - ')
  const sums = Bun.spawnSync(['sh', '-c', 'find . -type f -exec sha256sum {} + | sort'], {
    cwd: path,
  })
  return `${withoutFolderSizes.split('\n').sort().join('\n')}${sums.stdout.toString()}`
}

const next = random(7)

function fill(count: number): void {
  for (let index = 0; index < count; index++) {
    const below = join(sourcePath, `d${index % 20}`)
    mkdirSync(below, { recursive: true })
    writeFileSync(join(below, `f${index}`), Buffer.alloc(1024 + next(15_000), `${index} `))
  }
}

test('a tree arrives as it is, then what changed in it, then nothing', async () => {
  const { port, reports, child } = await serve()
  fill(500)
  writeFileSync(join(sourcePath, 'large'), Buffer.alloc(5_000_000, 'large'))
  const source = new DiskSource(sourcePath)
  const sending = fleet.client(port, source)
  const send = async () => {
    source.scan()
    await sending.client.run(await fleet.job(source.headSeq()))
    const end = sending.reports.at(-1)
    expect(end?.error).toBeNull()
    return end
  }
  await send()
  expect(listing(targetPath)).toBe(listing(sourcePath))
  writeFileSync(join(sourcePath, 'd3/f3'), 'changed')
  rmSync(join(sourcePath, 'd4'), { recursive: true })
  cpSync(join(sourcePath, 'd5'), join(sourcePath, 'd4/copy'), { recursive: true })
  await send()
  expect(listing(targetPath)).toBe(listing(sourcePath))
  const end = await send()
  expect(end?.bytesOnWire).toBeLessThan(1500)
  const stands = reports.flatMap((report) => (report.type === 'report' ? [report.message] : []))
  expect(stands.at(-1)).toMatchObject({
    type: 'targetReport',
    watermark: { epoch: 'epoch-1', seq: source.headSeq() },
    pendingCount: 0,
  })
  void child.stdin.end()
  expect(await child.exited).toBe(0)
})

test('on a plain hop a tree arrives as it is, and only frames that were changed are lost', async () => {
  const hopKey = randomBytes(32).toString('base64')
  const { port } = await serve(0, [
    { serverId: SOURCE_SERVER, name: 'source', addresses: [], hopKey },
  ])
  fill(200)
  const content = 'what lies on a plain hop can be read, and no more than that\n'
  writeFileSync(join(sourcePath, 'large'), content.repeat(50_000))
  // In the middle of each of the first two connections one bit falls over.
  let connections = 0
  let isDue = false
  const line = startRecordingLine(port, (bytes, direction) => {
    if (bytes.subarray(0, 4).equals(Buffer.from('CDP1')) && direction === 'toServer')
      isDue = connections++ < 2
    if (direction === 'toClient' || !isDue || bytes.length < 10_000) return bytes
    isDue = false
    const changed = Buffer.from(bytes)
    changed[5000] = (changed[5000] ?? 0) ^ 1
    return changed
  })
  const source = new DiskSource(sourcePath)
  source.scan()
  const { client, reports } = fleet.client(line.port, source, { hopKeyOf: () => hopKey })
  const hop = { ...jobNode({}).hop, tls: false, compression: 0 }
  const children = [jobNode({ ticket: await fleet.ticket(), hop })]
  await client.run(await fleet.job(source.headSeq(), { children }))
  expect(reports.at(-1)).toMatchObject({ state: 'done', attempts: 3, entriesFailed: 0 })
  expect(listing(targetPath)).toBe(listing(sourcePath))
  expect(line.recorded('toServer').includes(content)).toBe(true)
  line.stop()
})

test('what stands in the way is told and left alone, and its place is taken when it is gone', async () => {
  let server = await serve()
  const { port, reports } = server
  fill(20)
  mkdirSync(join(targetPath, 'd3'))
  writeFileSync(join(targetPath, 'd3/f3'), 'of somebody else')
  const source = new DiskSource(sourcePath)
  source.scan()
  const sending = fleet.client(port, source)
  const job = await fleet.job(source.headSeq())
  await sending.client.run(job)
  expect(sending.reports.at(-1)).toMatchObject({ state: 'done', entriesFailed: 0 })
  const told = reports.flatMap((report) => (report.type === 'report' ? [report.message] : []))
  expect(told.at(-1)).toMatchObject({
    watermark: { seq: source.headSeq() },
    pendingCount: 0,
    pending: [{ path: 'd3/f3', code: 'EXTRA_IN_THE_WAY', state: 'held' }],
    hold: { code: 'FIRST_CONTACT', deletes: 0, updates: 1 },
  })
  expect(readFileSync(join(targetPath, 'd3/f3'), 'utf8')).toBe('of somebody else')
  rmSync(join(targetPath, 'd3/f3'))
  server.child.kill('SIGKILL')
  await server.child.exited
  server = await serve(port)
  const isDue = (report: SyncServerReport) =>
    report.type === 'report' &&
    report.message.type === 'targetReport' &&
    report.message.pendingCount === 1
  await waitFor('it to notice', () => server.reports.some(isDue))
  await sending.client.run(job)
  expect(sending.reports.at(-1)).toMatchObject({ state: 'done', entriesFailed: 0 })
  expect(listing(targetPath)).toBe(listing(sourcePath))
})

test('the Sync Server killed at any moment and started again ends with the same tree', async () => {
  fill(3000)
  const source = new DiskSource(sourcePath)
  source.scan()
  let server = await serve()
  const { port } = server
  const { client, reports } = fleet.client(port, source)
  const retry = { attempts: 1000, backoffMs: 20 }
  const run = client.run(await fleet.job(source.headSeq(), { retry }))
  for (let kills = 0; kills < 5; kills++) {
    await Bun.sleep(20 + next(120))
    server.child.kill('SIGKILL')
    await server.child.exited
    server = await serve(port)
  }
  await run
  expect(reports.at(-1)).toMatchObject({ state: 'done', entriesFailed: 0 })
  expect(reports.at(-1)?.attempts).toBeGreaterThan(1)
  expect(listing(targetPath)).toBe(listing(sourcePath))
  expect(readdirSync(targetPath)).not.toContain('.cd-staging')
})

test('a port that is taken is told and ends the process', async () => {
  const taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  const child = spawnChild()
  children.push(child)
  const configuration = await fleet.configuration({
    listen: { host: '127.0.0.1', port: taken.port },
    targets: [],
  })
  void child.stdin.write(`${JSON.stringify(configuration)}\n`)
  await child.stdin.flush()
  expect(await child.exited).toBe(1)
  expect(await new Response(child.stdout).text()).toContain('"code":"PORT_IN_USE"')
  taken.stop(true)
})
