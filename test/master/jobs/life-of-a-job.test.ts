import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { getConvergence } from '../../../src/master/use-cases/convergence.ts'
import { listJobEntries } from '../../../src/master/use-cases/job-entries.ts'
import { cancelJob, getJob, listJobs, retryJob } from '../../../src/master/use-cases/jobs.ts'
import { deletePolicy, pausePolicy, resumePolicy } from '../../../src/master/use-cases/policies.ts'
import { getRoute } from '../../../src/master/use-cases/policy-actions.ts'
import { codeOf, eventually } from '../../fakes/eventually.ts'
import { Stage } from '../../fakes/stage.ts'
import { makePolicy, removeMasterFolders } from '../../fakes/test-master.ts'

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  await stage.master.stop()
})

afterAll(removeMasterFolders)

test('first contact is an initial job up to the head, with a ticket for its target', async () => {
  const policy = await stage.start()
  const job = await stage.source.job()
  expect(job).toMatchObject({ policyId: policy.id, epoch: 'epoch-1', to: 5 })
  expect(job.children).toMatchObject([
    { serverId: stage.id(1), hop: { scope: 'group', tls: true } },
  ])
  expect(job.children[0]?.ticket.split('.').length).toBe(3)
  expect(await getJob(stage.master.context, job.jobId)).toMatchObject({
    kind: 'initial',
    trigger: 'firstContact',
    state: 'running',
    entries: 5,
    bytes: 50,
    sources: [{ serverId: stage.id(0), from: 0, to: 5 }],
    targets: [{ serverId: stage.id(1), state: 'running' }],
  })
  await stage.finish(1, 5)
  const done = await getJob(stage.master.context, job.jobId, 5000)
  expect(done).toMatchObject({
    state: 'done',
    targets: [{ state: 'done', bytesOnWire: 100, via: stage.id(0) }],
  })
  await stage.converge()
})

test('a first list follows the scan: all that is found belongs to it, and nothing that comes after', async () => {
  await makePolicy(stage.master, { source: stage.id(0), targets: [stage.id(1)] })
  stage.source = await stage.connect(0)
  stage.target = await stage.connect(1)
  stage.source.reportSource(0, { completeAt: null })
  stage.target.reportTarget(null)
  stage.source.reportChanges(0, 5)
  const job = await stage.source.job()
  const { context } = stage.master
  const recorded = async (upTo: number) => {
    const isRecorded = () => stage.source.of('changesRecorded').at(-1)?.upTo === upTo
    await eventually(`changes up to ${upTo} recorded`, isRecorded)
  }
  stage.source.reportChanges(5, 7)
  await recorded(7)
  expect(await getJob(context, job.jobId)).toMatchObject({ entries: 7, sources: [{ to: 7 }] })
  // The scan has ended at 9; the rest of its pages is still on its way, and so is something newer.
  stage.source.reportSource(9, { listedSeq: 9 })
  stage.source.reportChanges(7, 8)
  stage.source.reportChanges(8, 10)
  await recorded(10)
  const running = { entries: 9, bytes: 90, state: 'running', sources: [{ from: 0, to: 9 }] }
  expect(await getJob(context, job.jobId)).toMatchObject(running)
  const { items } = await listJobEntries(context, { jobId: job.jobId })
  expect(items.map(({ path }) => path).at(-1)).toBe('file-9')
  stage.target.reportTarget(9)
  stage.source.reportJob(job, 'done')
  expect(await getJob(context, job.jobId, 5000)).toMatchObject({ state: 'done', entries: 9 })
  expect((await stage.source.job(2)).to).toBe(10)
  expect((await getConvergence(context, 'name:web')).converged).toBe(false)
})

test('nothing starts before the first scan has found anything', async () => {
  await makePolicy(stage.master, { source: stage.id(0), targets: [stage.id(1)] })
  stage.source = await stage.connect(0)
  stage.target = await stage.connect(1)
  stage.target.reportTarget(null)
  const { length } = stage.source.of('changesRecorded')
  stage.source.reportSource(0, { completeAt: null })
  stage.source.reportChanges(0, 0)
  await eventually('the report taken', () => stage.source.of('changesRecorded').length > length)
  expect(stage.source.of('job')).toEqual([])
  stage.source.reportSource(0, { listedSeq: 0 })
  expect((await stage.source.job()).to).toBe(0)
})

test('a change is a realtime job; what changes meanwhile goes into the next one', async () => {
  await stage.start()
  await stage.finish(1, 5)
  stage.source.reportChanges(5, 6)
  const realtime = await stage.source.job(2)
  expect(realtime.to).toBe(6)
  stage.source.reportChanges(6, 7)
  stage.source.reportChanges(7, 9)
  await eventually(
    'the changes recorded',
    () => stage.source.of('changesRecorded').at(-1)?.upTo === 9,
  )
  expect(stage.source.of('job').length).toBe(2)
  await stage.finish(2, 6)
  expect((await stage.source.job(3)).to).toBe(9)
  await stage.finish(3, 9)
  const { items } = await listJobs(stage.master.context, { policyId: 'name:web' })
  expect(items.map(({ kind, entries }) => [kind, entries])).toEqual([
    ['realtime', 3],
    ['realtime', 1],
    ['initial', 5],
  ])
})

test('a slow target delays only itself', async () => {
  await makePolicy(stage.master, { source: stage.id(0), targets: [stage.id(1), stage.id(2)] })
  stage.source = await stage.connect(0)
  stage.target = await stage.connect(1)
  const slow = await stage.connect(2)
  stage.source.reportChanges(0, 1)
  stage.source.reportSource(1)
  stage.target.reportTarget(1)
  slow.reportTarget(1)
  await stage.converge()
  stage.source.reportChanges(1, 2)
  const both = await stage.source.job()
  expect(both.children.length).toBe(2)
  stage.target.reportTarget(2)
  const [first] = both.children.filter((child) => child.serverId === stage.id(1))
  stage.source.reportJob({ ...both, children: first === undefined ? [] : [first] }, 'done')
  stage.source.reportChanges(2, 3)
  const second = await stage.source.job(2)
  expect(second.children.map((child) => child.serverId)).toEqual([stage.id(1)])
})

test('what could not be applied is shown and tried again', async () => {
  await stage.start()
  const job = await stage.source.job()
  const pending = [{ seq: 3, path: 'file-3', code: 'NO_SPACE', message: 'disk full' }]
  stage.target.reportTarget(5, { pendingCount: 1, pending })
  stage.source.reportJob(job, 'done', { entriesFailed: 1 })
  expect((await getJob(stage.master.context, job.jobId, 5000)).state).toBe('partial')
  expect((await getConvergence(stage.master.context, 'name:web')).targets).toMatchObject([
    { state: 'failed', failedEntries: 1, reason: { code: 'NO_SPACE' } },
  ])
  const entries = await listJobEntries(stage.master.context, { jobId: job.jobId })
  expect(entries.items.map(({ path, state }) => [path, state])).toEqual([
    ['file-1', 'applied'],
    ['file-2', 'applied'],
    ['file-3', 'failed'],
    ['file-4', 'applied'],
    ['file-5', 'applied'],
  ])
  expect((await stage.source.job(2)).to).toBe(5)
  await stage.finish(2, 5)
  await stage.converge()
})

test('what a target cannot hold is counted and shown, and does not keep it from being in step', async () => {
  await stage.start()
  const job = await stage.source.job()
  const counts = [
    { code: 'XATTRS_UNSUPPORTED', count: 2 },
    { code: 'OF_A_NEWER_AGENT', count: 7 },
  ]
  const newest = [
    { seq: 4, path: 'file-4', code: 'XATTRS_UNSUPPORTED' },
    { seq: 4, path: 'file-4', code: 'OWNER_REFUSED' },
    { seq: 2, path: 'file-2', code: 'XATTRS_UNSUPPORTED' },
  ]
  stage.target.reportTarget(5, { notes: { counts, newest } })
  stage.source.reportJob(job, 'done')
  await stage.converge()
  expect((await getJob(stage.master.context, job.jobId, 5000)).state).toBe('done')
  const notesOf = async () =>
    (await getConvergence(stage.master.context, 'name:web')).targets[0]?.notes ?? []
  expect(await notesOf()).toMatchObject([
    { code: 'OF_A_NEWER_AGENT', count: 7 },
    {
      code: 'XATTRS_UNSUPPORTED',
      count: 2,
      message: expect.stringContaining('extended attributes'),
      action: expect.stringContaining('file system'),
    },
  ])
  const entries = await listJobEntries(stage.master.context, { jobId: job.jobId })
  expect(entries.items.map(({ state, notes }) => [state, notes.map(({ code }) => code)])).toEqual([
    ['applied', []],
    ['applied', ['XATTRS_UNSUPPORTED']],
    ['applied', []],
    ['applied', ['OWNER_REFUSED', 'XATTRS_UNSUPPORTED']],
    ['applied', []],
  ])
  stage.target.reportTarget(5, { notes: { counts: [], newest: [] } })
  await eventually('the notes to go', async () => (await notesOf()).length === 0)
})

test('in mode manual only a person starts jobs, and the job ends when the head as it was is reached', async () => {
  await stage.start({ mode: 'manual' })
  await eventually('the reports', async () => {
    return (await getConvergence(stage.master.context, 'name:web')).targets[0]?.state === 'waiting'
  })
  expect(stage.source.of('job')).toEqual([])
  const { jobId } = await stage.sync()
  const job = await stage.source.job()
  expect([job.to, job.jobId.startsWith(jobId)]).toEqual([5, true])
  stage.source.reportChanges(5, 8)
  await stage.finish(1, 5)
  expect(await getJob(stage.master.context, jobId, 5000)).toMatchObject({
    kind: 'manual',
    state: 'done',
  })
  expect(stage.source.of('job').length).toBe(1)
})

test('a sync of what is identical is done at once; of what is away it fails with the reason', async () => {
  await stage.start()
  await stage.finish(1, 5)
  await stage.converge()
  const { jobId } = await stage.sync([stage.id(1)])
  expect((await getJob(stage.master.context, jobId)).state).toBe('done')
  stage.target.close()
  await stage.targetGone()
  const failed = await stage.sync()
  expect(await getJob(stage.master.context, failed.jobId)).toMatchObject({
    state: 'failed',
    targets: [{ error: { code: 'PEER_UNREACHABLE' } }],
  })
})

test('a sync waits for the job under way and is done by it', async () => {
  await stage.start()
  const job = await stage.source.job()
  const { jobId } = await stage.sync()
  expect((await getJob(stage.master.context, jobId)).state).toBe('queued')
  await stage.finish(1, 5)
  expect((await getJob(stage.master.context, jobId, 5000)).state).toBe('done')
  expect((await getJob(stage.master.context, job.jobId)).state).toBe('done')
  expect(stage.source.of('job').length).toBe(1)
})

test('a paused policy stops what runs and starts nothing until it is resumed', async () => {
  const policy = await stage.start()
  const job = await stage.source.job()
  await pausePolicy(stage.master.context, SYSTEM_ACTOR, { reference: policy.id, reason: 'deploy' })
  await eventually(
    'the word to the source',
    () => stage.source.of('cancelJob')[0]?.jobId === job.jobId,
  )
  expect((await getJob(stage.master.context, job.jobId)).state).toBe('cancelled')
  stage.source.reportChanges(5, 6)
  await eventually(
    'the changes recorded',
    () => stage.source.of('changesRecorded').at(-1)?.upTo === 6,
  )
  expect(stage.source.of('job').length).toBe(1)
  await resumePolicy(stage.master.context, SYSTEM_ACTOR, policy.id)
  expect((await stage.source.job(2)).to).toBe(6)
})

test('nothing moves without a licence', async () => {
  await stage.start()
  const job = await stage.source.job()
  stage.master.license.set('missing')
  await eventually('the end of the job', () => stage.source.of('cancelJob').length > 0)
  await eventually('the end of the lease', () => stage.target.config.leaseUntil === null)
  expect((await getJob(stage.master.context, job.jobId)).state).toBe('cancelled')
  stage.master.license.set('valid')
  await eventually('a new lease', () => stage.target.config.leaseUntil !== null)
  expect((await stage.source.job(2)).to).toBe(5)
})

test('a cancelled job is not started again until something is new; a retry is', async () => {
  await stage.start()
  const job = await stage.source.job()
  expect((await cancelJob(stage.master.context, SYSTEM_ACTOR, job.jobId)).state).toBe('cancelled')
  await eventually('the word to the source', () => stage.source.of('cancelJob').length === 1)
  stage.target.reportTarget(2)
  const retried = await retryJob(stage.master.context, SYSTEM_ACTOR, job.jobId)
  const again = await stage.source.job(2)
  expect(again.jobId.startsWith(retried.jobId)).toBe(true)
  await stage.finish(2, 5)
  expect((await getJob(stage.master.context, retried.jobId, 5000)).state).toBe('done')
  stage.source.reportChanges(5, 6)
  expect((await stage.source.job(3)).to).toBe(6)
})

test('what a person cancelled stays cancelled when the master starts again', async () => {
  await stage.start()
  const job = await stage.source.job()
  await cancelJob(stage.master.context, SYSTEM_ACTOR, job.jobId)
  stage.master = await stage.master.restart()
  stage.source = await stage.connect(0)
  stage.target = await stage.connect(1)
  stage.target.reportTarget(2)
  await eventually('the report', async () => {
    const { targets } = await getConvergence(stage.master.context, 'name:web')
    return targets[0]?.appliedSeq === 2
  })
  stage.source.reportChanges(5, 6)
  expect((await stage.source.job()).to).toBe(6)
  expect(stage.source.of('job').length).toBe(1)
})

test('deleting a policy ends its jobs at the agents and takes it from their configuration', async () => {
  const policy = await stage.start()
  const job = await stage.source.job()
  await deletePolicy(stage.master.context, SYSTEM_ACTOR, { reference: policy.id })
  await eventually(
    'the word to the source',
    () => stage.source.of('cancelJob')[0]?.jobId === job.jobId,
  )
  await eventually('the new configuration', () => stage.source.config.sources.length === 0)
  expect(await codeOf(getJob(stage.master.context, job.jobId))).toBe('NOT_FOUND')
})

test('the route is a star of what can be reached, with what-if', async () => {
  const policy = await stage.start()
  const route = await getRoute(stage.master.context, { reference: policy.id })
  expect(route).toMatchObject({
    hops: [
      {
        from: stage.id(0),
        to: stage.id(1),
        scope: 'group',
        method: 'patch',
        compression: 1,
        tls: true,
      },
    ],
    unreachable: [],
  })
  expect(
    await getRoute(stage.master.context, { reference: policy.id, without: ['name:source'] }),
  ).toMatchObject({
    hops: [],
    unreachable: [{ serverId: stage.id(1), reason: { code: 'SOURCE_UNAVAILABLE' } }],
  })
})
