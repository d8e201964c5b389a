import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { SYSTEM_ACTOR } from '../../src/master/context.ts'
import { getConvergence } from '../../src/master/use-cases/convergence.ts'
import { listJobEntries } from '../../src/master/use-cases/job-entries.ts'
import { cancelJob, getJob, listJobs, retryJob } from '../../src/master/use-cases/jobs.ts'
import { deletePolicy, pausePolicy, resumePolicy } from '../../src/master/use-cases/policies.ts'
import { getRoute, syncPolicyNow } from '../../src/master/use-cases/policy-actions.ts'
import { codeOf, eventually } from '../fakes/eventually.ts'
import { type AgentIdentity, ScriptedAgent, mustEnrol } from '../fakes/scripted-agent.ts'
import {
  type TestMaster,
  makeGroups,
  makePolicy,
  makeToken,
  removeMasterFolders,
  startTestMaster,
} from '../fakes/test-master.ts'

let master: TestMaster
let identities: AgentIdentity[]
let source: ScriptedAgent
let target: ScriptedAgent

beforeEach(async () => {
  master = await startTestMaster()
  const { a: groupId = '' } = await makeGroups(master, ['a'])
  identities = []
  for (const name of ['source', 'target', 'other']) {
    identities.push(await mustEnrol(master.url, await makeToken(master, groupId), name))
  }
})

afterEach(async () => {
  await master.stop()
})

afterAll(removeMasterFolders)

const id = (index: number): string => identities[index]?.serverId ?? ''

async function connect(index: number): Promise<ScriptedAgent> {
  const identity = identities[index]
  if (identity === undefined) throw new Error('no such agent')
  return await ScriptedAgent.connect(master.url, identity)
}

/** A policy from the first to the second agent, both connected, both having reported; gives the first job. */
async function start(fields: Record<string, unknown> = {}) {
  const policy = await makePolicy(master, { source: id(0), targets: [id(1)], ...fields })
  source = await connect(0)
  target = await connect(1)
  source.reportChanges(0, 5)
  source.reportSource(5)
  target.reportTarget(null)
  return policy
}

async function converge(policyId: string): Promise<void> {
  await eventually(
    'convergence',
    async () => (await getConvergence(master.context, policyId)).converged,
  )
}

async function finish(nth: number, seq: number): Promise<void> {
  const job = await source.job(nth)
  target.reportTarget(seq)
  source.reportJob(job, 'done')
}

test('first contact is an initial job up to the head, with a ticket for its target', async () => {
  const policy = await start()
  const job = await source.job()
  expect(job).toMatchObject({ policyId: policy.id, epoch: 'epoch-1', to: 5 })
  expect(job.children).toMatchObject([{ serverId: id(1), hop: { scope: 'group', tls: true } }])
  expect(job.children[0]?.ticket.split('.').length).toBe(3)
  expect(await getJob(master.context, job.jobId)).toMatchObject({
    kind: 'initial',
    trigger: 'firstContact',
    state: 'running',
    entries: 5,
    bytes: 50,
    sources: [{ serverId: id(0), from: 0, to: 5 }],
    targets: [{ serverId: id(1), state: 'running' }],
  })
  await finish(1, 5)
  const done = await getJob(master.context, job.jobId, 5000)
  expect(done).toMatchObject({
    state: 'done',
    targets: [{ state: 'done', bytesOnWire: 100, via: id(0) }],
  })
  await converge(policy.id)
})

test('nothing starts before the first scan has ended', async () => {
  await makePolicy(master, { source: id(0), targets: [id(1)] })
  source = await connect(0)
  target = await connect(1)
  source.reportChanges(0, 5)
  source.reportSource(5, { completeAt: null })
  target.reportTarget(null)
  await eventually('the changes recorded', () => source.of('changesRecorded').length > 0)
  expect(source.of('job')).toEqual([])
  source.reportSource(5)
  expect((await source.job()).to).toBe(5)
})

test('a change is a realtime job; what changes meanwhile goes into the next one', async () => {
  await start()
  await finish(1, 5)
  source.reportChanges(5, 6)
  const realtime = await source.job(2)
  expect(realtime.to).toBe(6)
  source.reportChanges(6, 7)
  source.reportChanges(7, 9)
  await eventually('the changes recorded', () => source.of('changesRecorded').at(-1)?.upTo === 9)
  expect(source.of('job').length).toBe(2)
  await finish(2, 6)
  expect((await source.job(3)).to).toBe(9)
  await finish(3, 9)
  const { items } = await listJobs(master.context, { policyId: 'name:web' })
  expect(items.map(({ kind, entries }) => [kind, entries])).toEqual([
    ['realtime', 3],
    ['realtime', 1],
    ['initial', 5],
  ])
})

test('a slow target delays only itself', async () => {
  await makePolicy(master, { source: id(0), targets: [id(1), id(2)] })
  source = await connect(0)
  target = await connect(1)
  const slow = await connect(2)
  source.reportChanges(0, 1)
  source.reportSource(1)
  target.reportTarget(1)
  slow.reportTarget(1)
  await converge('name:web')
  source.reportChanges(1, 2)
  const both = await source.job()
  expect(both.children.length).toBe(2)
  target.reportTarget(2)
  const [first] = both.children.filter((child) => child.serverId === id(1))
  source.reportJob({ ...both, children: first === undefined ? [] : [first] }, 'done')
  source.reportChanges(2, 3)
  const second = await source.job(2)
  expect(second.children.map((child) => child.serverId)).toEqual([id(1)])
})

test('a failed target is left alone for a while and tried at once when it is back', async () => {
  await start()
  const job = await source.job()
  const error = { code: 'PEER_UNREACHABLE', message: 'connection refused' }
  source.reportJob(job, 'failed', { error })
  expect(await getJob(master.context, job.jobId, 5000)).toMatchObject({
    state: 'failed',
    targets: [{ state: 'failed', error: { code: 'PEER_UNREACHABLE' } }],
  })
  expect(await getConvergence(master.context, 'name:web')).toMatchObject({
    converged: false,
    targets: [{ state: 'failed', reason: { code: 'PEER_UNREACHABLE' } }],
  })
  expect(source.of('job').length).toBe(1)
  target.close()
  await eventually('the target to be gone', () => !master.fleet.isConnected(id(1)))
  target = await connect(1)
  target.reportTarget(null)
  expect((await source.job(2)).jobId).not.toBe(job.jobId)
})

test('a target that was away is made up by a recovery, unless a person is to start it', async () => {
  await start({ recovery: { mode: 'manual' } })
  await finish(1, 5)
  await converge('name:web')
  target.close()
  await eventually('the target to be gone', () => !master.fleet.isConnected(id(1)))
  source.reportChanges(5, 6)
  target = await connect(1)
  target.reportTarget(5)
  await eventually('the report', async () => {
    const { targets } = await getConvergence(master.context, 'name:web')
    return targets[0]?.state === 'waiting'
  })
  expect(source.of('job').length).toBe(1)
  const { jobId } = await sync()
  expect((await source.job(2)).to).toBe(6)
  await finish(2, 6)
  expect((await getJob(master.context, jobId, 5000)).state).toBe('done')
})

test('what could not be applied is shown and tried again', async () => {
  await start()
  const job = await source.job()
  const pending = [{ seq: 3, path: 'file-3', code: 'NO_SPACE', message: 'disk full' }]
  target.reportTarget(5, { pendingCount: 1, pending })
  source.reportJob(job, 'done', { entriesFailed: 1 })
  expect((await getJob(master.context, job.jobId, 5000)).state).toBe('partial')
  expect((await getConvergence(master.context, 'name:web')).targets).toMatchObject([
    { state: 'failed', failedEntries: 1, reason: { code: 'NO_SPACE' } },
  ])
  const entries = await listJobEntries(master.context, { jobId: job.jobId })
  expect(entries.items.map(({ path, state }) => [path, state])).toEqual([
    ['file-1', 'applied'],
    ['file-2', 'applied'],
    ['file-3', 'failed'],
    ['file-4', 'applied'],
    ['file-5', 'applied'],
  ])
  expect((await source.job(2)).to).toBe(5)
  await finish(2, 5)
  await converge('name:web')
})

async function sync(targets?: readonly string[]): Promise<{ jobId: string }> {
  const flushes = source.of('flush').length
  const answered = syncPolicyNow(master.context, SYSTEM_ACTOR, { reference: 'name:web', targets })
  await eventually('the flush', () => source.of('flush').length > flushes)
  const request = source.of('flush').at(-1)
  source.send({ type: 'flushed', requestId: request?.requestId ?? '', sources: [], error: null })
  return await answered
}

test('in mode manual only a person starts jobs, and the job ends when the head as it was is reached', async () => {
  await start({ mode: 'manual' })
  await eventually('the reports', async () => {
    return (await getConvergence(master.context, 'name:web')).targets[0]?.state === 'waiting'
  })
  expect(source.of('job')).toEqual([])
  const { jobId } = await sync()
  const job = await source.job()
  expect([job.to, job.jobId.startsWith(jobId)]).toEqual([5, true])
  source.reportChanges(5, 8)
  await finish(1, 5)
  expect(await getJob(master.context, jobId, 5000)).toMatchObject({ kind: 'manual', state: 'done' })
  expect(source.of('job').length).toBe(1)
})

test('a sync of what is identical is done at once; of what is away it fails with the reason', async () => {
  await start()
  await finish(1, 5)
  await converge('name:web')
  const { jobId } = await sync([id(1)])
  expect((await getJob(master.context, jobId)).state).toBe('done')
  target.close()
  await eventually('the target to be gone', () => !master.fleet.isConnected(id(1)))
  const failed = await sync()
  expect(await getJob(master.context, failed.jobId)).toMatchObject({
    state: 'failed',
    targets: [{ error: { code: 'PEER_UNREACHABLE' } }],
  })
})

test('a sync waits for the job under way and is done by it', async () => {
  await start()
  const job = await source.job()
  const { jobId } = await sync()
  expect((await getJob(master.context, jobId)).state).toBe('queued')
  await finish(1, 5)
  expect((await getJob(master.context, jobId, 5000)).state).toBe('done')
  expect((await getJob(master.context, job.jobId)).state).toBe('done')
  expect(source.of('job').length).toBe(1)
})

test('a paused policy stops what runs and starts nothing until it is resumed', async () => {
  const policy = await start()
  const job = await source.job()
  await pausePolicy(master.context, SYSTEM_ACTOR, { reference: policy.id, reason: 'deploy' })
  await eventually('the word to the source', () => source.of('cancelJob')[0]?.jobId === job.jobId)
  expect((await getJob(master.context, job.jobId)).state).toBe('cancelled')
  source.reportChanges(5, 6)
  await eventually('the changes recorded', () => source.of('changesRecorded').at(-1)?.upTo === 6)
  expect(source.of('job').length).toBe(1)
  await resumePolicy(master.context, SYSTEM_ACTOR, policy.id)
  expect((await source.job(2)).to).toBe(6)
})

test('nothing moves without a licence', async () => {
  await start()
  const job = await source.job()
  master.license.set('missing')
  await eventually('the end of the job', () => source.of('cancelJob').length > 0)
  await eventually('the end of the lease', () => target.config.leaseUntil === null)
  expect((await getJob(master.context, job.jobId)).state).toBe('cancelled')
  master.license.set('valid')
  await eventually('a new lease', () => target.config.leaseUntil !== null)
  expect((await source.job(2)).to).toBe(5)
})

test('a cancelled job is not started again until something is new; a retry is', async () => {
  await start()
  const job = await source.job()
  expect((await cancelJob(master.context, SYSTEM_ACTOR, job.jobId)).state).toBe('cancelled')
  await eventually('the word to the source', () => source.of('cancelJob').length === 1)
  target.reportTarget(2)
  const retried = await retryJob(master.context, SYSTEM_ACTOR, job.jobId)
  const again = await source.job(2)
  expect(again.jobId.startsWith(retried.jobId)).toBe(true)
  await finish(2, 5)
  expect((await getJob(master.context, retried.jobId, 5000)).state).toBe('done')
  source.reportChanges(5, 6)
  expect((await source.job(3)).to).toBe(6)
})

test('the first report of a connection replaces the watermark, downwards too; later ones only move it on', async () => {
  await start()
  await finish(1, 5)
  await converge('name:web')
  target.reportTarget(3)
  source.reportChanges(5, 6)
  await finish(2, 6)
  await converge('name:web')
  target.close()
  await eventually('the target to be gone', () => !master.fleet.isConnected(id(1)))
  target = await connect(1)
  target.reportTarget(2)
  const recovery = await source.job(3)
  const job = await getJob(master.context, recovery.jobId)
  expect(job).toMatchObject({ kind: 'recovery', sources: [{ from: 2, to: 6 }] })
})

test('a new epoch ends the jobs of the old one and begins with first contact', async () => {
  await start()
  const old = await source.job()
  source.reportSource(2, { epoch: 'epoch-2' })
  await eventually('the end of the old job', () => source.of('cancelJob').length === 1)
  const fresh = await source.job(2)
  expect([fresh.epoch, fresh.to]).toEqual(['epoch-2', 2])
  expect((await getJob(master.context, old.jobId)).state).toBe('cancelled')
})

test('a source that comes back is told of its running jobs again, under the same id', async () => {
  await start()
  const job = await source.job()
  source.close()
  await eventually('the source to be gone', () => !master.fleet.isConnected(id(0)))
  source = await connect(0)
  const again = await source.job()
  expect([again.jobId, again.to]).toEqual([job.jobId, job.to])
  target.reportTarget(5)
  source.reportJob(again, 'done')
  expect((await getJob(master.context, job.jobId, 5000)).state).toBe('done')
})

test('a target that has everything ends the job of a source that is gone', async () => {
  await start()
  const job = await source.job()
  target.reportTarget(5)
  source.close()
  expect((await getJob(master.context, job.jobId, 5000)).state).toBe('done')
})

test('a master that starts again takes up its jobs', async () => {
  await start()
  const job = await source.job()
  master = await master.restart()
  expect((await getJob(master.context, job.jobId)).state).toBe('running')
  source = await connect(0)
  target = await connect(1)
  expect((await source.job()).jobId).toBe(job.jobId)
  target.reportTarget(5)
  source.reportSource(5)
  source.reportJob(job, 'done')
  expect((await getJob(master.context, job.jobId, 5000)).state).toBe('done')
  await converge('name:web')
})

test('changes with a hole before them are refused, and the source begins with what is recorded', async () => {
  await start()
  await eventually('the changes recorded', () => source.of('changesRecorded').length > 0)
  source.reportChanges(7, 8)
  await eventually('the refusal', () => source.closed)
  expect(source.of('refused')).toMatchObject([{ code: 'PROTOCOL' }])
  source = await connect(0)
  expect(source.config.sources[0]?.known).toEqual({ epoch: 'epoch-1', seq: 5 })
})

test('20,000 changes are recorded in pages without holding anyone up', async () => {
  await start()
  await finish(1, 5)
  const startedMs = performance.now()
  for (let from = 5; from < 20_005; from += 1000) source.reportChanges(from, from + 1000)
  await eventually(
    'the changes recorded',
    () => source.of('changesRecorded').at(-1)?.upTo === 20_005,
  )
  expect(performance.now() - startedMs).toBeLessThan(5000)
  const { targets } = await getConvergence(master.context, 'name:web')
  expect(targets[0]?.backlogEntries).toBe(20_000)
})

test('an agent cannot speak for another', async () => {
  await start()
  const job = await source.job()
  const other = await connect(2)
  const [foreign] = target.config.targets
  const { policyId = '', bindingId = '' } = foreign ?? {}
  const pending = { pendingCount: 0, pending: [], error: null }
  const watermark = { epoch: 'epoch-1', seq: 5 }
  other.send({ type: 'targetReport', policyId, bindingId, watermark, ...pending })
  other.reportJob(job, 'done')
  other.send({ type: 'goodbye', reason: 'x' })
  other.close()
  await eventually('the other to be gone', () => !master.fleet.isConnected(id(2)))
  expect((await getJob(master.context, job.jobId)).state).toBe('running')
})

test('deleting a policy ends its jobs at the agents and takes it from their configuration', async () => {
  const policy = await start()
  const job = await source.job()
  await deletePolicy(master.context, SYSTEM_ACTOR, { reference: policy.id })
  await eventually('the word to the source', () => source.of('cancelJob')[0]?.jobId === job.jobId)
  await eventually('the new configuration', () => source.config.sources.length === 0)
  expect(await codeOf(getJob(master.context, job.jobId))).toBe('NOT_FOUND')
})

test('the route is a star of what can be reached, with what-if', async () => {
  const policy = await start()
  const route = await getRoute(master.context, { reference: policy.id })
  expect(route).toMatchObject({
    hops: [{ from: id(0), to: id(1), scope: 'group', method: 'patch', compression: 1, tls: true }],
    unreachable: [],
  })
  expect(
    await getRoute(master.context, { reference: policy.id, without: ['name:source'] }),
  ).toMatchObject({
    hops: [],
    unreachable: [{ serverId: id(1), reason: { code: 'SOURCE_UNAVAILABLE' } }],
  })
})
