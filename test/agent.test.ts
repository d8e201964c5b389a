import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { AgentMessageOf } from '../src/core/wire/control.ts'
import {
  runAgentProgram,
  type RunningAgent,
  startAgentProgram,
  statusOf,
} from './fakes/agent-program.ts'
import { type FakeMaster, startFakeMaster } from './fakes/fake-master.ts'
import { waitFor } from './fakes/wait-for.ts'

// The program itself, as processes: one that watches and sends, one that receives, under a scripted master.

setDefaultTimeout(30_000)

const METADATA = {
  owner: 'id',
  mode: true,
  hardLinks: false,
  xattrs: false,
  acls: false,
  sparse: true,
} as const
const COMMON = {
  policyId: 'policy-1',
  filter: { include: [], exclude: [], deleteExcluded: false },
  metadata: METADATA,
}
const SOURCE_ID = 'source-1'
const BINDING_ID = 'binding-1'

let base: string
let master: FakeMaster
let processes: RunningAgent[]

beforeEach(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'agents-')))
  mkdirSync(join(base, 'from'))
  mkdirSync(join(base, 'to'))
  processes = []
  master = await startFakeMaster()
})
afterEach(async () => {
  for (const each of processes) each.kill('SIGKILL')
  await Promise.all(processes.map(({ exited }) => exited))
  master.kill()
  rmSync(base, { recursive: true, force: true })
})

interface Host {
  readonly serverId: string
  readonly directory: string
  readonly process: RunningAgent
}

async function enrol(name: string): Promise<{ serverId: string; directory: string }> {
  const directory = join(base, name)
  const args = ['enroll', '--dir', directory, '--master', master.url.href, '--token', '-', '--json']
  const { status, stdout, stderr } = await runAgentProgram(
    [...args, '--name', name],
    `${master.token()}\n`,
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return { serverId: JSON.parse(stdout).serverId, directory }
}

function run(directory: string): RunningAgent {
  const started = startAgentProgram(directory)
  processes.push(started)
  return started
}

async function addHost(name: string): Promise<Host> {
  const { serverId, directory } = await enrol(name)
  return { serverId, directory, process: run(directory) }
}

const hellos = () => master.of('hello').length
const last = <T>(items: readonly T[]) => items.at(-1)

/** Both hosts up, the policy in force on both. */
async function connectBoth(): Promise<{ from: Host; to: Host }> {
  const [from, to] = await Promise.all([addHost('from-host'), addHost('to-host')])
  await waitFor('both', () => hellos() === 2)
  const addresses = (host: Host) => {
    const port = JSON.parse(readFileSync(join(host.directory, 'status.json'), 'utf8')).syncServer
      .port
    return [{ scope: null, host: '127.0.0.1', port }]
  }
  const peers = [from, to].map((host) => ({
    serverId: host.serverId,
    name: 'x',
    addresses: addresses(host),
  }))
  master.configs.set(from.serverId, {
    peers,
    sources: [
      {
        ...COMMON,
        sourceId: SOURCE_ID,
        path: join(base, 'from'),
        requireMount: false,
        viewRevision: 1,
        known: null,
      },
    ],
  })
  master.configs.set(to.serverId, {
    peers,
    targets: [
      {
        ...COMMON,
        bindingId: BINDING_ID,
        sourceId: SOURCE_ID,
        sourceServerId: from.serverId,
        sourceKey: master.keyOf(from.serverId),
        path: join(base, 'to'),
        deletes: 'mirror',
        firstContact: 'hold',
        minFreePercent: 0,
        policyRevision: 1,
      },
    ],
  })
  for (const { serverId } of [from, to]) master.configure(serverId)
  return { from, to }
}

let jobs = 0

/** What a master does when changes came: a job up to the newest one. */
async function sendJob(from: Host, to: Host): Promise<AgentMessageOf<'jobReport'>> {
  const page = last(master.of('changes'))
  if (page === undefined) throw new Error('nothing was told yet')
  const jobId = `job-${++jobs}`
  const nowS = Math.floor(Date.now() / 1000)
  const ids = { policyId: COMMON.policyId, bindingId: BINDING_ID, sourceId: SOURCE_ID }
  const ticket = await master.ticket({
    ...ids,
    aud: to.serverId,
    jti: crypto.randomUUID(),
    iat: nowS,
    exp: nowS + 600,
    jobId,
    runAtMs: nowS,
    policyRevision: 1,
    sourceServerId: from.serverId,
    senders: [from.serverId],
  })
  const hop = {
    scope: 'group',
    method: 'patch',
    compression: 1,
    tls: true,
    rateBytesPerS: null,
  } as const
  master.sendTo(from.serverId, {
    type: 'job',
    jobId,
    policyId: COMMON.policyId,
    sourceId: SOURCE_ID,
    epoch: page.epoch,
    to: page.upTo,
    retry: { attempts: 5, backoffMs: 400 },
    children: [
      {
        serverId: to.serverId,
        bindingId: BINDING_ID,
        hop,
        reason: 'the only way',
        ticket,
        children: [],
      },
    ],
  })
  const report = () =>
    last(master.of('jobReport').filter((each) => each.jobId === jobId && each.state !== 'running'))
  await waitFor('the end of the job', () => report() !== undefined)
  return report() as AgentMessageOf<'jobReport'>
}

async function changed(path: string): Promise<void> {
  await waitFor(`the change of ${path}`, () =>
    master.of('changes').some(({ records }) => records.some((record) => record.path === path)),
  )
}

const read = (path: string) => readFileSync(join(base, path), 'utf8')

test('a file goes from one host to the other, and its renaming sends no content', async () => {
  const content = randomBytes(100_000).toString('hex')
  writeFileSync(join(base, 'from/a.txt'), content)
  const { from, to } = await connectBoth()
  await changed('a.txt')
  expect(await sendJob(from, to)).toMatchObject({ state: 'done', error: null })
  expect(read('to/a.txt')).toBe(content)
  renameSync(join(base, 'from/a.txt'), join(base, 'from/b.txt'))
  await changed('b.txt')
  const report = await sendJob(from, to)
  expect(report).toMatchObject({ state: 'done', error: null })
  expect(report.bytesOnWire).toBeLessThan(10_000)
  expect(read('to/b.txt')).toBe(content)
  expect(existsSync(join(base, 'to/a.txt'))).toBe(false)
  await waitFor(
    'the receipt',
    () => last(master.of('targetReport'))?.watermark?.seq === last(master.of('changes'))?.upTo,
  )
})

test('a killed Sync Server comes back by itself, on the same port', async () => {
  const { from, to } = await connectBoth()
  const before = (await statusOf(to.directory))?.syncServer
  process.kill(before?.pid ?? 0, 'SIGKILL')
  writeFileSync(join(base, 'from/a.txt'), 'hello')
  await changed('a.txt')
  expect(await sendJob(from, to)).toMatchObject({ state: 'done' })
  expect(read('to/a.txt')).toBe('hello')
  await waitFor(
    'the status',
    () => JSON.parse(read('to-host/status.json')).syncServer.restarts === 1,
  )
  expect((await statusOf(to.directory))?.syncServer?.port).toBe(before?.port ?? -1)
})

test('a killed agent takes its Sync Server along, and the next one works on', async () => {
  const { from, to } = await connectBoth()
  to.process.kill('SIGKILL')
  await to.process.exited
  const port = JSON.parse(read('to-host/status.json')).syncServer.port
  const again = startAgentProgram(to.directory, ['--advertise', `127.0.0.1:${port}`])
  processes.push(again)
  await waitFor('the agent to be back', () => hellos() === 3)
  writeFileSync(join(base, 'from/a.txt'), 'hello')
  await changed('a.txt')
  master.configs.set(from.serverId, {
    ...master.configs.get(from.serverId),
    peers: [
      {
        serverId: to.serverId,
        name: 'x',
        addresses: [
          {
            scope: null,
            host: '127.0.0.1',
            port: JSON.parse(read('to-host/status.json')).syncServer.port,
          },
        ],
      },
    ],
  })
  master.configure(from.serverId)
  expect(await sendJob(from, to)).toMatchObject({ state: 'done' })
})

test('while the master is away the agent watches, and tells everything when it is back', async () => {
  const { from } = await connectBoth()
  await waitFor('the first page or report', () => master.of('sourceReport').length > 0)
  master.kill()
  writeFileSync(join(base, 'from/meanwhile.txt'), 'x')
  from.process.kill('SIGTERM')
  expect(await from.process.exited).toBe(0)
  run(from.directory)
  writeFileSync(join(base, 'from/later.txt'), 'y')
  master.start()
  await changed('meanwhile.txt')
  await changed('later.txt')
})

test('status says what is so, and waits until a policy is settled', async () => {
  writeFileSync(join(base, 'from/a.txt'), 'hello')
  const { from, to } = await connectBoth()
  await changed('a.txt')
  const page = last(master.of('changes'))
  await waitFor('the status', () =>
    read('from-host/status.json').includes(`"headSeq":${page?.upTo}`),
  )
  const now = ['status', '--dir', from.directory, '--policy', COMMON.policyId]
  expect(await runAgentProgram(now)).toMatchObject({
    status: 1,
    stdout: expect.stringContaining(`the master has recorded 0 of ${page?.upTo}`),
  })
  master.sendTo(from.serverId, {
    type: 'changesRecorded',
    sourceId: SOURCE_ID,
    epoch: page?.epoch ?? '',
    upTo: page?.upTo ?? 0,
  })
  const settled = [
    'status',
    '--dir',
    from.directory,
    '--policy',
    COMMON.policyId,
    '--wait',
    '10',
    '--json',
  ]
  const { status, stdout } = await runAgentProgram(settled)
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    running: true,
    waitingFor: null,
    connection: { state: 'connected' },
    lease: { holds: true },
    sources: [{ path: join(base, 'from'), recordedSeq: page?.upTo, gapCount: 0, error: null }],
  })
  await sendJob(from, to)
  const target = ['status', '--dir', to.directory, '--policy', COMMON.policyId, '--wait', '10']
  expect(await runAgentProgram(target)).toMatchObject({ status: 0 })
})

test('a stopped agent is said to be not running', async () => {
  const { directory } = await enrol('idle')
  expect(await runAgentProgram(['status', '--dir', directory])).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('not running'),
  })
})

test('SIGTERM ends both processes cleanly, and in time', async () => {
  const { to } = await connectBoth()
  const pid = (await statusOf(to.directory))?.syncServer?.pid ?? 0
  const startedAt = performance.now()
  to.process.kill('SIGTERM')
  expect(await to.process.exited).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(5000)
  expect(() => process.kill(pid, 0)).toThrow()
  expect(existsSync(join(to.directory, 'status.json'))).toBe(false)
})

test('a revoked agent ends with the reason, and starts with nothing to do', async () => {
  const { to } = await connectBoth()
  master.sendTo(to.serverId, { type: 'refused', code: 'AGENT_REVOKED', message: 'revoked: sold' })
  expect(await to.process.exited).toBe(4)
  expect(to.process.log()).toContain('cd-agent: cannot go on: revoked: sold [AGENT_REVOKED]')
  expect(existsSync(join(to.directory, 'config.json'))).toBe(false)
})
