import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { AgentParts } from '../../../src/cas/agent/agent-parts.ts'
import { startAgent, type StartedAgent } from '../../../src/cas/agent/start-agent.ts'
import { createAllowList } from '../../../src/cas/allow-list.ts'
import { ConfigStore } from '../../../src/cas/config-store.ts'
import { INDEX_FILE } from '../../../src/cas/data-files.ts'
import { enrol } from '../../../src/cas/enrolment/enrol.ts'
import { type Identity, loadIdentity, saveIdentity } from '../../../src/cas/identity.ts'
import { fromText, toText } from '../../../src/core/base/byte-string.ts'
import type { MasterMessageOf, SourceConfig, TargetConfig } from '../../../src/core/wire/control.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createDataDirectory, type DataDirectory } from '../../../src/platform/data-dir.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { realPath } from '../../../src/platform/real-path.ts'
import { openReadTree } from '../../../src/platform/trees.ts'
import { spawnChild } from '../../../src/spawn.ts'
import { FakeDetection } from '../../fakes/fake-detection.ts'
import { type FakeMaster, startFakeMaster } from '../../fakes/fake-master.ts'
import { FakeMonitor } from '../../fakes/fake-monitor.ts'
import { waitFor } from '../../fakes/wait-for.ts'

const METADATA = {
  owner: 'id',
  mode: true,
  hardLinks: false,
  xattrs: false,
  acls: false,
  sparse: true,
} as const
const FILTER = { include: [], exclude: [], deleteExcluded: false }
const HOUR_MS = 3_600_000
const NOT_CONFINED = { code: 'PLATFORM_UNSUPPORTED', message: 'not here' } as const

let base: string
let master: FakeMaster
let directory: DataDirectory
let identity: Identity
let monitor: FakeMonitor
let detection: FakeDetection
let agents: StartedAgent[]

beforeEach(async () => {
  agents = []
  base = realpathSync(mkdtempSync(join(tmpdir(), 'agent-')))
  for (const folder of ['web', 'copy', 'secret']) mkdirSync(join(base, folder))
  writeFileSync(join(base, 'web/index.html'), 'hello')
  master = await startFakeMaster()
  directory = await createDataDirectory(join(base, 'data'), 'agent', async (made) => {
    saveIdentity(made, await enrol({ masters: [master.url], token: master.token(), name: 'web' }))
    return made
  })
  identity = loadIdentity(directory)
})
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop('the test is over')))
  master.kill()
  rmSync(base, { recursive: true })
})

const log = createLogger({ level: 'error', write: () => undefined })

async function start(
  changes: Partial<AgentParts> & {
    noReceiving?: AgentParts['rules']['noReceiving']
    roles?: AgentParts['rules']['roles']
    child?: string
  } = {},
): Promise<StartedAgent> {
  detection = new FakeDetection()
  monitor = new FakeMonitor()
  const policy = {
    allowed: [fromText(join(base, 'web')), fromText(join(base, 'copy'))],
    own: fromText(directory.path),
  }
  const child = [
    process.execPath,
    `${import.meta.dir}/../../fakes/sync-server-child.ts`,
    changes.child ?? 'honest',
  ]
  const agent = await startAgent({
    identity,
    rules: {
      allowList: createAllowList(policy, realPath),
      roles: changes.roles ?? null,
      noReceiving: changes.noReceiving ?? null,
    },
    configStore: new ConfigStore(directory, log),
    startDetection: (events) => {
      detection.events = events
      return Promise.resolve(detection)
    },
    startMonitor: (onFigures) => {
      monitor.onFigures = onFigures
      return monitor
    },
    syncServer: {
      spawn: (onLine) => spawnChild(child, onLine),
      listen: { host: '127.0.0.1', port: 0 },
      dialsOut: false,
    },
    openTree: (path) => openReadTree(toText(path).text),
    indexFile: directory.file(INDEX_FILE),
    addresses: (_master, { host, port }) => Promise.resolve([{ scope: null, host, port }]),
    clock: systemClock,
    log,
    random: () => 0,
    ...changes,
  })
  agents.push(agent)
  return agent
}

const FIGURES = {
  at: '2026-01-01T00:00:00.000Z',
  cpuPercent: 1,
  memoryPercent: 2,
  sessions: 3,
  load1: 4,
  diskFreeBytes: 5,
  txBytes: 6,
  rxBytes: 7,
}

async function configured(): Promise<void> {
  await waitFor('the configuration', () => detection.configured.length > 0)
}

function source(path: string): SourceConfig {
  return {
    policyId: 'p',
    sourceId: `source ${path}`,
    path: join(base, path),
    requireMount: false,
    filter: FILTER,
    metadata: METADATA,
    viewRevision: 1,
    known: { epoch: 'e', seq: 5 },
  }
}

function target(path: string): TargetConfig {
  return {
    policyId: 'p',
    bindingId: `binding ${path}`,
    sourceId: 's',
    sourceServerId: 'other',
    sourceKey: '',
    path: join(base, path),
    deletes: 'mirror',
    firstContact: 'hold',
    minFreePercent: 3,
    filter: FILTER,
    metadata: METADATA,
    policyRevision: 1,
  }
}

const JOB: MasterMessageOf<'job'> = {
  type: 'job',
  jobId: 'job-1',
  policyId: 'p',
  sourceId: 's',
  epoch: 'e',
  to: 1,
  retry: { attempts: 0, backoffMs: 0 },
  children: [
    {
      serverId: 'other',
      bindingId: 'b',
      hop: { scope: 'group', method: 'copy', compression: 0, tls: true, rateBytesPerS: null },
      reason: '',
      ticket: 't',
      children: [],
    },
  ],
}

test('says where its Sync Server is reached, and that it is this version', async () => {
  await start()
  await waitFor('the hello', () => master.of('hello').length === 1)
  expect(master.of('hello')[0]).toMatchObject({
    addresses: [{ scope: null, host: '127.0.0.1', port: 4711 }],
    roles: ['cms', 'cas', 'sm'],
  })
})

test('a port that is taken ends the start', async () => {
  const thrown = await start({ child: 'portTaken' }).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ code: 'PORT_IN_USE' })
})

test('watches the sources that the host allows, and says which it does not', async () => {
  master.config = {
    sources: [source('web'), source('secret')],
    targets: [target('copy'), target('secret')],
  }
  const agent = await start()
  await configured()
  await waitFor(
    'the refusals',
    () => master.received.filter(({ type }) => type.endsWith('Report')).length >= 2,
  )
  expect(detection.configured[0]?.map(({ path }) => path)).toEqual([join(base, 'web')])
  expect(agent.view().effective?.targets.map(({ path }) => path)).toEqual([join(base, 'copy')])
  expect(master.of('sourceReport')).toMatchObject([
    { sourceId: 'source secret', epoch: 'e', headSeq: 5, error: { code: 'ROOT_REFUSED' } },
  ])
  const refused = master.of('targetReport').filter(({ bindingId }) => bindingId !== 'b')
  expect(refused).toMatchObject([{ bindingId: 'binding secret', error: { code: 'ROOT_REFUSED' } }])
})

test.each([
  [
    'receiving where it cannot be confined',
    { noReceiving: NOT_CONFINED, syncServer: null },
    'PLATFORM_UNSUPPORTED',
  ],
  ['receiving without the role', { roles: ['cms' as const], syncServer: null }, 'FORBIDDEN'],
])('%s is refused', async (_what, changes, code) => {
  master.config = { targets: [target('copy')] }
  await start(changes)
  await waitFor('the refusal', () => master.of('targetReport').length === 1)
  expect(master.of('targetReport')[0]?.error?.code).toBe(code)
})

test('after a restart it goes on with what it was told, without the master', async () => {
  master.config = { sources: [source('web')], peers: [{ serverId: 'x', name: 'x', addresses: [] }] }
  const first = await start()
  await configured()
  await first.stop('restart')
  agents.length = 0
  master.kill()
  const second = await start()
  expect(detection.configured[0]?.map(({ sourceId }) => sourceId)).toEqual(['source web'])
  expect(second.view().leaseHolds).toBe(true)
})

test('a damaged kept configuration is no reason not to start', async () => {
  directory.write('config.json', '{"type":"config"')
  await start()
  await configured()
})

test('an older revision on the same connection is passed over; on a new one it counts', async () => {
  master.config = { revision: 7 }
  const agent = await start()
  await configured()
  const older = { ...agent.view().config, revision: 6 } as never
  master.send(older)
  master.send({ type: 'flush', requestId: 'after', policyId: 'p' })
  await waitFor('the answer', () => master.of('flushed').length === 1)
  expect(agent.view().config?.revision).toBe(7)
  master.kill()
  master.config = { revision: 3 }
  master.start()
  await waitFor('the restored master', () => agent.view().config?.revision === 3)
})

test('a configuration that fails is asked for again', async () => {
  const agent = await start()
  detection.failure = new Error('disk full')
  await configured()
  expect(master.welcomed).toBeGreaterThanOrEqual(2)
  expect(agent.view().config?.revision).toBeGreaterThan(0)
})

test('a configuration for another server is never taken', async () => {
  master.config = { serverId: 'another' }
  await start()
  await waitFor('the second attempt', () => master.welcomed >= 2)
  expect(detection.configured).toEqual([])
  expect(existsSync(directory.file('config.json'))).toBe(false)
})

test.each([
  ['no lease', null],
  ['a lease that has ended', new Date(Date.now() - 1000).toISOString()],
])('with %s no job is run', async (_what, leaseUntil) => {
  master.config = { leaseUntil }
  await start()
  await configured()
  master.send(JOB)
  await waitFor('the report', () => master.of('jobReport').length === 1)
  expect(master.of('jobReport')[0]).toMatchObject({
    jobId: 'job-1',
    bindingId: 'b',
    state: 'failed',
    error: { code: 'LEASE_EXPIRED' },
  })
})

test('under a lease a job is run, and its end is told', async () => {
  master.config = { leaseUntil: new Date(Date.now() + HOUR_MS).toISOString() }
  await start()
  await configured()
  master.send(JOB)
  await waitFor('the report', () => master.of('jobReport').some(({ state }) => state === 'failed'))
  expect(master.of('jobReport').at(-1)?.error?.code).not.toBe('LEASE_EXPIRED')
})

test('lists folders within what the host allows', async () => {
  await start()
  await configured()
  for (const path of ['web', 'secret', 'data', '.', '../..'])
    master.send({
      type: 'listFiles',
      requestId: path,
      path: path === '../..' ? `${base}/web/../secret` : join(base, path),
    })
  await waitFor('the answers', () => master.of('filesListed').length === 5)
  const answers = Object.fromEntries(
    master
      .of('filesListed')
      .map(({ requestId, entries, error }) => [
        requestId,
        error?.code ?? entries.map(({ name }) => name),
      ]),
  )
  expect(answers).toEqual({
    web: ['index.html'],
    secret: 'ROOT_REFUSED',
    data: 'ROOT_REFUSED',
    '.': ['copy', 'web'],
    '../..': 'ROOT_REFUSED',
  })
})

test('tries a filter on a folder that may be a root, and on no other', async () => {
  await start()
  await configured()
  const patterns = { include: ['html$'], exclude: [] }
  for (const name of ['web', 'secret', 'data', '.'])
    master.send({ type: 'tryFilter', requestId: name, path: join(base, name), ...patterns })
  await waitFor('the answers', () => master.of('filterTried').length === 4)
  const answers = Object.fromEntries(
    master
      .of('filterTried')
      .map(({ requestId, trial, error }) => [requestId, error?.code ?? trial?.passes]),
  )
  expect(answers).toEqual({
    web: { files: 1, folders: 0, bytes: 5, sample: ['index.html'] },
    secret: 'ROOT_REFUSED',
    data: 'ROOT_REFUSED',
    '.': 'ROOT_REFUSED',
  })
})

test('a flush answers with where the sources are, or with what failed', async () => {
  await start()
  await configured()
  master.send({ type: 'flush', requestId: '1', policyId: 'p' })
  master.send({ type: 'flush', requestId: '2', policyId: 'faulty' })
  await waitFor('the answers', () => master.of('flushed').length === 2)
  expect(master.of('flushed')).toMatchObject([
    { requestId: '1', sources: [{ sourceId: 'p', headSeq: 1 }], error: null },
    { requestId: '2', sources: [], error: { code: 'INTERNAL' } },
  ])
})

test('figures of the host are told with the role to measure', async () => {
  master.config = { sources: [source('web')] }
  await start()
  await configured()
  expect(monitor.configured.at(-1)).toEqual([join(base, 'web')])
  monitor.onFigures?.(FIGURES)
  await waitFor('the figures', () => master.of('figures').length > 0)
  expect(master.of('figures')).toEqual([{ type: 'figures', ...FIGURES }])
})

test('without the role to measure nothing is', async () => {
  await start({ roles: ['cms'] })
  await configured()
  expect(monitor.configured.at(-1)).toBeNull()
})

test('a revoked agent forgets what it was told and says so', async () => {
  const agent = await start()
  await configured()
  expect(existsSync(directory.file('config.json'))).toBe(true)
  master.send({ type: 'refused', code: 'AGENT_REVOKED', message: 'revoked: stolen' })
  expect(await agent.revoked).toMatchObject({
    code: 'AGENT_REVOKED',
    message: 'cannot go on: revoked: stolen',
  })
  expect(existsSync(directory.file('config.json'))).toBe(false)
})

test('stops every part and says goodbye', async () => {
  const agent = await start()
  await configured()
  const pid = agent.view().syncServer?.pid ?? 0
  await agent.stop('SIGTERM')
  expect([detection.isStopped, monitor.isStopped]).toEqual([true, true])
  expect(() => process.kill(pid, 0)).toThrow()
  await waitFor('the goodbye', () => master.of('goodbye').length === 1)
})
