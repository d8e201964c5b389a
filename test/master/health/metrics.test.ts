import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { listMetrics } from '../../../src/master/use-cases/metrics.ts'
import { getServer } from '../../../src/master/use-cases/servers.ts'
import { eventually } from '../../fakes/eventually.ts'
import { ScriptedAgent, mustEnrol } from '../../fakes/scripted-agent.ts'
import {
  type TestMaster,
  makeGroups,
  makeToken,
  removeMasterFolders,
  startTestMaster,
} from '../../fakes/test-master.ts'

let master: TestMaster
let agent: ScriptedAgent

beforeEach(async () => {
  master = await startTestMaster()
  const { one = '' } = await makeGroups(master, ['one'])
  const token = await makeToken(master, one)
  agent = await ScriptedAgent.connect(master.url, await mustEnrol(master.url, token, 'web'))
})
afterEach(() => master.stop())
afterAll(removeMasterFolders)

const FIGURES = {
  type: 'figures',
  at: '2026-01-01T00:00:00.000Z',
  cpuPercent: 40,
  memoryPercent: 50,
  sessions: 7,
  load1: 0.5,
  diskFreeBytes: 1000,
  txBytes: 10,
  rxBytes: 20,
} as const

const list = (query: object = {}) =>
  listMetrics(master.context, { reference: 'name:web', ...query })

test('figures are kept, the newest first, alone or by steps', async () => {
  for (const cpuPercent of [10, 20, 60]) agent.send({ ...FIGURES, cpuPercent })
  await eventually('three', async () => (await list()).items.length === 3)
  const { items } = await list()
  expect(items.map((item) => item.cpuPercent)).toEqual([60, 20, 10])
  expect(items[0]).toMatchObject({ sessions: 7, diskFreeBytes: 1000, txBytes: 10 })
  const { items: steps } = await list({ stepS: 86_400 })
  expect(steps).toMatchObject([{ cpuPercent: 30, txBytes: 30, rxBytes: 60 }])
  expect((await list({ fromMs: 0, toMs: 1 })).items).toEqual([])
})

test('a server that has enough to do is said to be bad, until it recovers', async () => {
  const health = async () => (await getServer(master.context, 'name:web')).health.state
  expect(await health()).toBe('unknown')
  agent.send(FIGURES)
  await eventually('good', async () => (await health()) === 'good')
  for (let times = 0; times < 3; times++) agent.send({ ...FIGURES, cpuPercent: 99 })
  await eventually('bad', async () => (await health()) === 'bad')
  for (let times = 0; times < 3; times++) agent.send(FIGURES)
  await eventually('good again', async () => (await health()) === 'good')
  agent.close()
  await eventually('unknown again', async () => (await health()) === 'unknown')
})
