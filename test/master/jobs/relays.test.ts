import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { decodeJwt } from 'jose'

import type { JobNode, MasterMessageOf } from '../../../src/core/wire/control.ts'
import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { policyFields } from '../../../src/master/policy-schema.ts'
import { getConvergence } from '../../../src/master/use-cases/convergence.ts'
import { createHopRule } from '../../../src/master/use-cases/hop-rules.ts'
import { getJob } from '../../../src/master/use-cases/jobs.ts'
import { updatePolicy } from '../../../src/master/use-cases/policies.ts'
import { getRoute } from '../../../src/master/use-cases/policy-actions.ts'
import { getServer } from '../../../src/master/use-cases/servers.ts'
import { eventually } from '../../fakes/eventually.ts'
import type { ScriptedAgent } from '../../fakes/scripted-agent.ts'
import { Stage } from '../../fakes/stage.ts'
import { makePolicy, removeMasterFolders } from '../../fakes/test-master.ts'

type Job = MasterMessageOf<'job'>

const TARGETS = [1, 2, 3]
const LARGE = 1 << 30

let stage: Stage
/** The targets in the order in which they stand in a chain. */
let chain: ScriptedAgent[]

beforeEach(async () => {
  stage = await Stage.open(['source', 'one', 'two', 'three'])
})
afterEach(() => stage.master.stop())
afterAll(removeMasterFolders)

/** A source that holds a lot, and three targets that hold nothing. */
async function start(): Promise<Job> {
  await makePolicy(stage.master, { source: stage.id(0), targets: TARGETS.map((n) => stage.id(n)) })
  await connect()
  stage.source.reportChanges(0, 5)
  stage.source.reportSource(5, { totalBytes: LARGE })
  for (const target of chain) target.reportTarget(null)
  return await stage.source.job()
}

async function connect(): Promise<void> {
  stage.source = await stage.connect(0)
  const targets: ScriptedAgent[] = []
  for (const number of TARGETS) targets.push(await stage.connect(number))
  const bindingOf = (agent: ScriptedAgent) => agent.config.targets[0]?.bindingId ?? ''
  chain = targets.toSorted((one, other) => (bindingOf(one) < bindingOf(other) ? -1 : 1))
}

function at(index: number): ScriptedAgent {
  const agent = chain[index]
  if (agent === undefined) throw new Error(`no target ${index}`)
  return agent
}

/** A tree as numbers of the chain. */
function drawn(nodes: readonly JobNode[]): string {
  const numberOf = (id: string) => chain.findIndex((agent) => agent.serverId === id)
  return nodes
    .map(({ serverId, children }) => {
      return numberOf(serverId) + (children.length === 0 ? '' : `(${drawn(children)})`)
    })
    .join(' ')
}

function nodesOf(nodes: readonly JobNode[]): JobNode[] {
  return nodes.flatMap((node) => [node, ...nodesOf(node.children)])
}

/** A server's word on one of the targets of a job: a failure, or its end. */
function tell(teller: ScriptedAgent, job: Job, [about, code]: [ScriptedAgent, string?]): void {
  const children = nodesOf(job.children).filter((node) => node.serverId === about.serverId)
  const state = code === undefined ? 'done' : 'failed'
  const error = code === undefined ? null : { code, message: 'told' }
  teller.reportJob({ ...job, children }, state, { error })
}

/** Lets everyone have everything, each by the word of whoever sends to it. */
async function finish(job: Job, seq: number): Promise<void> {
  for (const [index, target] of chain.entries()) {
    target.reportTarget(seq)
    tell(index === 0 ? stage.source : at(index - 1), job, [target])
  }
  await stage.converge()
}

/** The server in the middle has everything, and whoever sends to it says so. */
async function middleEnds(job: Job): Promise<void> {
  at(1).reportTarget(5)
  tell(at(0), job, [at(1)])
  await eventually('its end', async () => {
    const { targets } = await getJob(stage.master.context, job.jobId)
    return targets.some((target) => target.state === 'done')
  })
}

test('a large first run goes down a chain, each ticket is for the one before', async () => {
  const job = await start()
  expect(drawn(job.children)).toBe('0(1(2))')
  const senders = nodesOf(job.children).map(({ ticket }) => decodeJwt(ticket)['senders'])
  expect(senders).toEqual([[stage.id(0)], [at(0).serverId], [at(1).serverId]])
  await finish(job, 5)
  const done = await getJob(stage.master.context, job.jobId, 5000)
  expect(done).toMatchObject({ state: 'done' })
  const via = new Map(done.targets.map((target) => [target.serverId, target.via]))
  expect(via.get(at(2).serverId)).toBe(at(1).serverId)
})

test('every target knows the way to those that it may pass on to', async () => {
  await start()
  for (const target of chain) {
    const peers = target.config.peers.map((peer) => peer.serverId)
    expect(peers.toSorted()).toEqual(
      [stage.source, ...chain]
        .filter((agent) => agent !== target)
        .map((agent) => agent.serverId)
        .toSorted(),
    )
  }
})

test('small changes go directly; large ones not to whoever stands elsewhere or has something pending', async () => {
  await finish(await start(), 5)
  stage.source.reportChanges(5, 6)
  const small = await stage.source.job(2)
  expect(drawn(small.children)).toBe('0 1 2')
  at(0).reportTarget(6, { pendingCount: 1 })
  for (const index of [1, 2]) at(index).reportTarget(6)
  stage.source.reportJob(small, 'done')
  await eventually('the receipts', async () => {
    const { targets } = await getConvergence(stage.master.context, 'name:web')
    return targets.every((target) => target.appliedSeq === 6)
  })
  stage.source.reportChanges(6, 7, { size: LARGE })
  const large = await stage.source.job(3)
  const all = [large, await stage.source.job(4)].map(({ children }) => drawn(children))
  expect(all.toSorted()).toEqual(['0', '1(2)'])
})

test('whoever was left out is served directly in the same job; all others go on in one stream without it', async () => {
  const job = await start()
  tell(at(0), job, [at(1), 'RELAY_DROPPED'])
  tell(at(0), job, [at(2), 'RELAY_DROPPED'])
  const runs = () => stage.source.of('job').slice(1)
  await eventually('all', () => nodesOf(runs().flatMap((run) => run.children)).length === 3)
  const again = runs()
  for (const { jobId } of again) expect(jobId).toStartWith(`${job.jobId}.`)
  const trees = again.map(({ children }) => drawn(children)).join(' ')
  expect(trees.split(' ').toSorted()).toEqual(['0(2)', '1'])
  const { bindingId = '' } = at(0).config.targets[0] ?? {}
  expect(stage.source.of('cancelJob')).toMatchObject([
    { jobId: job.jobId, bindingIds: [bindingId] },
  ])
  const before = stage.source.of('job').length
  // The end of the run that was cancelled says nothing of the one that takes its place.
  tell(stage.source, job, [at(0), 'CANCELLED'])
  for (const [index, target] of chain.entries()) {
    target.reportTarget(5)
    for (const run of [job, ...again]) tell(stage.source, run, [at(index)])
  }
  expect(await getJob(stage.master.context, job.jobId, 5000)).toMatchObject({ state: 'done' })
  stage.source.reportChanges(5, 6, { size: LARGE })
  const next = await stage.source.job(before + 1)
  expect(drawn(next.children)).toBe('0(2) 1')
})

test('what little is left is not taken from those that a stream still reaches', async () => {
  await finish(await start(), 5)
  const rule = { kind: 'manual' as const, chains: [{ servers: chain.map((one) => one.serverId) }] }
  await updatePolicy(stage.master.context, SYSTEM_ACTOR, {
    reference: 'name:web',
    change: (current) => policyFields.parse({ ...current, route: rule }),
  })
  stage.source.reportChanges(5, 6)
  const small = await stage.source.job(2)
  expect(drawn(small.children)).toBe('0(1(2))')
  tell(at(0), small, [at(1), 'RELAY_DROPPED'])
  tell(at(0), small, [at(2), 'RELAY_DROPPED'])
  const runs = () => stage.source.of('job').slice(2)
  await eventually('both', () => nodesOf(runs().flatMap((run) => run.children)).length === 2)
  expect(stage.source.of('cancelJob')).toEqual([])
})

test('whoever is about to hold it all serves those that its stream did not reach', async () => {
  const job = await start()
  stage.source.reportJob(job, 'running', { bytesOnWire: LARGE })
  tell(at(0), job, [at(1), 'RELAY_DROPPED'])
  tell(at(0), job, [at(2), 'RELAY_DROPPED'])
  // Only the one in trouble is not kept waiting.
  expect(drawn((await stage.source.job(2)).children)).toBe('1')
  expect(stage.source.of('cancelJob')).toEqual([])
  at(0).reportTarget(5)
  tell(stage.source, job, [at(0)])
  const instead = await at(0).job()
  expect(drawn(instead.children)).toBe('2')
  expect(instead.jobId).toStartWith(`${job.jobId}.`)
  expect(stage.source.of('job')).toHaveLength(2)
})

test('whoever holds it all already serves them at once, and nobody else is taken along', async () => {
  const job = await start()
  at(0).reportTarget(5)
  tell(at(1), job, [at(2), 'RELAY_UNFIT'])
  const instead = await at(0).job()
  expect(drawn(instead.children)).toBe('2')
  expect(stage.source.of('cancelJob')).toEqual([])
})

test('a server that a stream did not fit is shared a stream with again', async () => {
  const job = await start()
  for (const index of [0, 1]) at(index).reportTarget(5)
  tell(at(1), job, [at(2), 'RELAY_UNFIT'])
  await eventually('its next run', () => [at(0), at(1)].some((one) => one.of('job').length === 1))
  at(2).reportTarget(5)
  const [run] = [at(0), at(1)].flatMap((one) => one.of('job').map((told) => ({ one, told })))
  if (run === undefined) throw new Error('no run')
  tell(run.one, run.told, [at(2)])
  await finish(job, 5)
  stage.source.reportChanges(5, 6, { size: LARGE })
  expect(drawn((await stage.source.job(2)).children)).toBe('0(1(2))')
})

test('a stream that is lost below a server which is still reached is told by whoever is above', async () => {
  const job = await start()
  tell(at(1), job, [at(2), 'RELAY_LOST'])
  tell(stage.source, job, [at(1), 'RELAY_DROPPED'])
  tell(stage.source, job, [at(2), 'RELAY_DROPPED'])
  const runs = () => stage.source.of('job').slice(1)
  await eventually('both', () => nodesOf(runs().flatMap((run) => run.children)).length === 2)
  expect(runs().map(({ children }) => drawn(children))).toEqual(['1(2)'])
})

test('whoever still got something from a relay that is done, and gone, goes on without it', async () => {
  const job = await start()
  await middleEnds(job)
  at(1).close()
  const again = await stage.source.job(2)
  expect(drawn(again.children)).toBe('2')
  expect(again.jobId).toStartWith(`${job.jobId}.`)
})

test('a relay that the source cannot reach is the one that rests; a lost stream blames nobody', async () => {
  const job = await start()
  tell(stage.source, job, [at(1), 'RELAY_DROPPED'])
  tell(at(1), job, [at(2), 'RELAY_LOST'])
  await eventually('both', async () => {
    const { hops } = await getRoute(stage.master.context, { reference: 'name:web' })
    return hops.filter(({ from }) => from === stage.id(0)).length === 2
  })
  const { hops } = await getRoute(stage.master.context, { reference: 'name:web' })
  expect(hops.map(({ from, to }) => [from, to])).toEqual([
    [stage.id(0), at(0).serverId],
    [stage.id(0), at(1).serverId],
    [at(1).serverId, at(2).serverId],
  ])
})

test("what a relay could not bring ends with the word of the target that comes after the relay's", async () => {
  const job = await start()
  const [about] = nodesOf(job.children).filter(({ serverId }) => serverId === at(1).serverId)
  if (about === undefined) throw new Error('not in the tree')
  at(0).reportJob({ ...job, children: [about] }, 'done', { entriesFailed: 2 })
  const its = async () => {
    const { targets } = await getJob(stage.master.context, job.jobId)
    return targets.find(({ serverId }) => serverId === about.serverId)
  }
  await eventually('the word of the relay', async () => (await its())?.entriesFailed === 2)
  expect((await its())?.state).toBe('running')
  at(1).reportTarget(5, { pendingCount: 2 })
  await eventually('its end', async () => (await its())?.state === 'partial')
})

test('a restarted master tells the same tree again, and hears the relays', async () => {
  const job = await start()
  stage.master = await stage.master.restart()
  await connect()
  const again = await stage.source.job()
  expect([again.jobId, drawn(again.children)]).toEqual([job.jobId, '0(1(2))'])
  await finish(job, 5)
  expect(await getJob(stage.master.context, job.jobId, 5000)).toMatchObject({ state: 'done' })
})

test('what was below a target that has ended is told as below the one above it', async () => {
  const job = await start()
  await middleEnds(job)
  stage.source.close()
  await eventually('its leaving', () => !stage.master.fleet.isConnected(stage.id(0)))
  stage.source = await stage.connect(0)
  expect(drawn((await stage.source.job()).children)).toBe('0(2)')
})

test('the route is the tree for what is lacking, or for so many bytes, or without a server', async () => {
  await start()
  const route = async (question: object = {}) => {
    const { hops } = await getRoute(stage.master.context, { reference: 'name:web', ...question })
    const numberOf = (id: string) => chain.findIndex((agent) => agent.serverId === id)
    return hops.map(({ from, to }) => `${numberOf(from)}>${numberOf(to)}`)
  }
  expect(await route()).toEqual(['-1>0', '0>1', '1>2'])
  expect(await route({ bytes: 1000 })).toEqual(['-1>0', '-1>1', '-1>2'])
  expect(await route({ without: [at(0).serverId] })).toEqual(['-1>1', '1>2'])
})

test('a server that has enough to do stands last in its chain', async () => {
  await start()
  const busy = at(0)
  const figures = { memoryPercent: 10, sessions: 1, load1: 9, diskFreeBytes: 1 }
  const told = { type: 'figures', at: '2026-01-01T00:00:00.000Z', txBytes: 0, rxBytes: 0 } as const
  for (let times = 0; times < 3; times++) busy.send({ ...told, ...figures, cpuPercent: 100 })
  await eventually('another order', async () => {
    const { hops } = await getRoute(stage.master.context, { reference: 'name:web' })
    return hops.at(-1)?.to === busy.serverId
  })
})

test('a manual route is used as it was given', async () => {
  const { id } = await makePolicy(stage.master, {
    source: stage.id(0),
    targets: TARGETS.map((n) => stage.id(n)),
  })
  const [first, second, third] = TARGETS.map((n) => stage.id(n))
  const chains = [{ servers: [third, first] }, { servers: [third, second] }]
  await updatePolicy(stage.master.context, SYSTEM_ACTOR, {
    reference: id,
    change: (current) => policyFields.parse({ ...current, route: { kind: 'manual', chains } }),
  })
  await connect()
  stage.source.reportChanges(0, 5)
  stage.source.reportSource(5, { totalBytes: LARGE })
  for (const target of chain) target.reportTarget(null)
  const { children } = await stage.source.job()
  expect(children.map(({ serverId }) => serverId)).toEqual([third ?? ''])
  expect(new Set(children[0]?.children.map(({ serverId }) => serverId))).toEqual(
    new Set([first ?? '', second ?? '']),
  )
  const { hops } = await getRoute(stage.master.context, { reference: id })
  expect(hops.map(({ reason }) => reason.split(',')[0])).toEqual(Array(3).fill('as the chain says'))
  const without = await getRoute(stage.master.context, { reference: id, without: [third ?? ''] })
  expect(without.hops.every(({ from }) => from === stage.id(0))).toBe(true)
})

test('relays are told of new rates of their hops while a job runs', async () => {
  const job = await start()
  const rule = { scope: 'group' as const, rateBytesPerS: 1_000_000 }
  await createHopRule(stage.master.context, SYSTEM_ACTOR, rule)
  for (const index of [0, 1]) {
    await eventually('the word', () => at(index).of('hops').length === 1)
    const { bindingId = '' } = at(index + 1).config.targets[0] ?? {}
    expect(at(index).of('hops')).toMatchObject([
      { jobId: job.jobId, hops: [{ bindingId, hop: { rateBytesPerS: 1_000_000 } }] },
    ])
  }
  expect(at(2).of('hops')).toEqual([])
  const again = await stage.source.job(2)
  expect(nodesOf(again.children).map(({ hop }) => hop.rateBytesPerS)).toEqual([1e6, 1e6, 1e6])
})

test('a server that only dials out is served directly and passes nothing on', async () => {
  await start()
  const dialling = at(0)
  const nth = TARGETS.find((number) => stage.id(number) === dialling.serverId) ?? 0
  dialling.close()
  await stage.connect(nth, { addresses: [], dialsOut: true })
  const ways = async () => {
    const { hops } = await getRoute(stage.master.context, { reference: 'name:web' })
    const numberOf = (id: string) => chain.findIndex((agent) => agent.serverId === id)
    return hops.map(({ from, to, reason }) => [`${numberOf(from)}>${numberOf(to)}`, reason])
  }
  await eventually(
    'another tree',
    async () =>
      (await ways())[0]?.[0] !== '-1>0' ||
      (await ways()).some(([, why]) => why?.includes('dial out')),
  )
  const because = 'direct from the source: it can only dial out, within the group'
  expect(new Map((await ways()).map(([way = '', why]) => [way, why]))).toEqual(
    new Map([
      ['-1>1', expect.anything()],
      ['1>2', expect.anything()],
      ['-1>0', because],
    ]),
  )
  expect(await getServer(stage.master.context, dialling.serverId)).toMatchObject({
    address: null,
    addresses: [],
    dialsOut: true,
  })
  const peers = () => stage.source.config.peers.find((one) => one.serverId === dialling.serverId)
  await eventually('the others to know', () => peers()?.addresses.length === 0)
  expect(peers()?.scope).toBe('group')
})
