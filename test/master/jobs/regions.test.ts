import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import type { JobNode } from '../../../src/core/wire/control.ts'
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

/** The source says how it fares with a target. */
function tell(
  jobId: string,
  name: string,
  code: 'PEER_UNREACHABLE' | 'RELAY_DROPPED' | 'CANCELLED',
): void {
  // It tries again where it sends itself.
  const state = code === 'RELAY_DROPPED' ? 'failed' : 'running'
  const { serverId } = agent(name)
  const figures = { attempts: 1, bytesOnWire: 0, entriesApplied: 0, entriesFailed: 0 }
  const of = { jobId, bindingId: bindingOf(agent(name)), serverId, via: stage.id(0) }
  const error = { code, message: 'said by a test' }
  stage.source.send({ type: 'jobReport', ...of, state, ...figures, error })
}

test('a region to which the source finds no way goes on at once from another region', async () => {
  report(null)
  const first = await stage.source.job()
  tell(first.jobId, 'x1', 'PEER_UNREACHABLE')
  tell(first.jobId, 'x2', 'RELAY_DROPPED')
  tell(first.jobId, 'x3', 'RELAY_DROPPED')
  await eventually('another way in', () => runOf('x2') !== undefined)
  agent('y1').reportTarget(5)
  // Nobody says how the next attempts fare: two that failed tell enough.
  tell(runOf('x2')?.jobId ?? '', 'x2', 'PEER_UNREACHABLE')
  const served = () =>
    agent('y1')
      .of('job')
      .flatMap(({ children }) => nodesOf(children))
      .map(({ serverId }) => nameOf(serverId))
  await eventually('all of the region', () => served().toSorted().join() === 'x1,x2,x3')
  const [run] = agent('y1').of('job')
  expect(run?.jobId).toStartWith(`${first.jobId}.`)
  // What the source still tries for them is given up there.
  const cancelled = stage.source.of('cancelJob').flatMap(({ bindingIds }) => bindingIds ?? [])
  expect(cancelled).toContain(bindingOf(agent('x1')))
  expect(cancelled).toContain(bindingOf(agent('x2')))
})

test('that an attempt was given up for another run says nothing of the way', async () => {
  report(null)
  await stage.source.job()
  for (const name of ['x1', 'x2']) {
    await eventually(`${name} as the way in`, () => runOf(name) !== undefined)
    tell(runOf(name)?.jobId ?? '', name, 'PEER_UNREACHABLE')
    tell(runOf(name)?.jobId ?? '', 'x3', 'RELAY_DROPPED')
  }
  await eventually('both given up', () => stage.source.of('cancelJob').length === 2)
  for (const name of ['x1', 'x2']) tell(runOf(name)?.jobId ?? '', name, 'CANCELLED')
  const before = stage.source.of('job').length
  agent('y1').reportTarget(5)
  const { children } = await agent('y1').job()
  expect(nodesOf(children)).toHaveLength(3)
  expect(stage.source.of('job')).toHaveLength(before)
})

/** The run in which the source itself sends to a server. */
function runOf(name: string) {
  const isTo = ({ children }: { readonly children: readonly JobNode[] }) =>
    children.some(({ serverId }) => serverId === agent(name).serverId)
  return stage.source.of('job').find(isTo)
}

function nodesOf(nodes: readonly JobNode[]): JobNode[] {
  return nodes.flatMap((node) => [node, ...nodesOf(node.children)])
}
