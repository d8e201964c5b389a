import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { getRoute } from '../../../src/master/use-cases/policy-actions.ts'
import { eventually } from '../../fakes/eventually.ts'
import type { ScriptedAgent } from '../../fakes/scripted-agent.ts'
import { Stage } from '../../fakes/stage.ts'
import { makePolicy, removeMasterFolders } from '../../fakes/test-master.ts'

const LARGE = 1 << 30

let stage: Stage
/** By name. */
let agents: Map<string, ScriptedAgent>

const TARGETS = ['x1', 'x2', 'x3', 'y1']
const NAMES = ['source', ...TARGETS]

beforeEach(async () => {
  stage = await Stage.open(NAMES, { x1: 'x', x2: 'x', x3: 'x', y1: 'y' })
  const [source = '', ...targets] = NAMES.map((_, index) => stage.id(index))
  await makePolicy(stage.master, { source, targets })
  stage.source = await stage.connect(0)
  agents = new Map()
  for (const [index, name] of TARGETS.entries()) agents.set(name, await stage.connect(index + 1))
  // In their region the first by binding is the way in.
  const inX = TARGETS.slice(0, 3).map(agent)
  const sorted = inX.toSorted((one, other) => (bindingOf(one) < bindingOf(other) ? -1 : 1))
  for (const [index, one] of sorted.entries()) agents.set(`x${index + 1}`, one)
  stage.source.reportChanges(0, 5)
  stage.source.reportSource(5, { totalBytes: LARGE })
})
afterEach(() => stage.master.stop())
afterAll(removeMasterFolders)

function agent(name: string): ScriptedAgent {
  const found = agents.get(name)
  if (found === undefined) throw new Error(`no agent "${name}"`)
  return found
}

function bindingOf(one: ScriptedAgent): string {
  return one.config.targets[0]?.bindingId ?? ''
}

function nameOf(serverId: string): string {
  if (serverId === stage.id(0)) return 'source'
  return [...agents].find(([, one]) => one.serverId === serverId)?.[0] ?? serverId
}

async function hops(question: object = {}): Promise<string[]> {
  const route = await getRoute(stage.master.context, { reference: 'name:web', ...question })
  const lost = route.unreachable.map(({ serverId, reason }) => `${nameOf(serverId)} ${reason.code}`)
  return [
    ...route.hops.map(({ from, to }) => `${nameOf(from)}>${nameOf(to)}`),
    ...lost.toSorted(),
  ].toSorted()
}

const ALL = ['source>x1', 'source>y1', 'x1>x2', 'x2>x3']

/** All hold as much of what the source has. */
function report(seq: number | null, names = TARGETS): void {
  for (const name of names) agent(name).reportTarget(seq)
}

test('what if a server is gone, a region is cut off, or all hold the same and the source is gone', async () => {
  report(null)
  await stage.source.job()
  report(5)
  await eventually('the whole route', async () => (await hops()).join() === ALL.join())
  expect(await hops({ without: [agent('x1').serverId] })).toEqual([
    'source>x2',
    'source>y1',
    'x1 PEER_UNREACHABLE',
    'x2>x3',
  ])
  // The nearest that will hold it serves the region that the source has no way to.
  expect(await hops({ cut: ['name:r-x'] })).toEqual(['source>y1', 'x1>x2', 'x2>x3', 'y1>x1'])
  const unavailable = TARGETS.map((name) => `${name} SOURCE_UNAVAILABLE`)
  expect(await hops({ without: [stage.id(0)] })).toEqual(unavailable)
})

test('what if the source is gone while one lacks something: who has it serves it', async () => {
  report(null)
  await stage.source.job()
  report(5, ['x2', 'x3', 'y1'])
  report(1, ['x1'])
  const whole = ['x2', 'x3', 'y1'].map((name) => `${name} SOURCE_UNAVAILABLE`)
  await eventually('what they hold', async () => {
    const route = await hops({ without: [stage.id(0)] })
    return route.join() === ['x2>x1', ...whole].toSorted().join()
  })
})

test('a far server that held up a stream stands last in its region, which is entered once all the same', async () => {
  report(null)
  const job = await stage.source.job()
  stage.source.send({
    type: 'jobReport',
    jobId: job.jobId,
    bindingId: bindingOf(agent('x2')),
    serverId: agent('x2').serverId,
    state: 'failed',
    via: stage.id(0),
    attempts: 1,
    bytesOnWire: 0,
    entriesApplied: 0,
    entriesFailed: 0,
    error: { code: 'RELAY_DROPPED', message: 'too slow' },
  })
  await eventually('another route', async () => {
    return (await hops()).join() === ['source>x2', 'source>y1', 'x2>x3', 'x3>x1'].join()
  })
})
