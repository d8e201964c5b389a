import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { getConvergence } from '../../../src/master/use-cases/convergence.ts'
import { getJob } from '../../../src/master/use-cases/jobs.ts'
import { updatePolicy } from '../../../src/master/use-cases/policies.ts'
import { eventually } from '../../fakes/eventually.ts'
import { Stage } from '../../fakes/stage.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  await stage.master.stop()
})

afterAll(removeMasterFolders)

test('a failed target is left alone for a while and tried at once when it is back', async () => {
  await stage.start()
  const job = await stage.source.job()
  const error = { code: 'PEER_UNREACHABLE', message: 'connection refused' }
  stage.source.reportJob(job, 'failed', { error })
  expect(await getJob(stage.master.context, job.jobId, 5000)).toMatchObject({
    state: 'failed',
    targets: [{ state: 'failed', error: { code: 'PEER_UNREACHABLE' } }],
  })
  expect(await getConvergence(stage.master.context, 'name:web')).toMatchObject({
    converged: false,
    targets: [{ state: 'failed', reason: { code: 'PEER_UNREACHABLE' } }],
  })
  expect(stage.source.of('job').length).toBe(1)
  stage.target.close()
  await stage.targetGone()
  stage.target = await stage.connect(1)
  stage.target.reportTarget(null)
  expect((await stage.source.job(2)).jobId).not.toBe(job.jobId)
})

test('a target that was away is made up by a recovery, unless a person is to start it', async () => {
  await stage.start({ recovery: { mode: 'manual' } })
  await stage.finish(1, 5)
  await stage.converge()
  stage.target.close()
  await stage.targetGone()
  stage.source.reportChanges(5, 6)
  stage.target = await stage.connect(1)
  stage.target.reportTarget(5)
  await eventually('the report', async () => {
    const { targets } = await getConvergence(stage.master.context, 'name:web')
    return targets[0]?.state === 'waiting'
  })
  expect(stage.source.of('job').length).toBe(1)
  const { jobId } = await stage.sync()
  expect((await stage.source.job(2)).to).toBe(6)
  await stage.finish(2, 6)
  expect((await getJob(stage.master.context, jobId, 5000)).state).toBe('done')
})

test('the first report of a connection replaces the watermark, downwards too; later ones only move it on', async () => {
  await stage.start()
  await stage.finish(1, 5)
  await stage.converge()
  stage.target.reportTarget(3)
  stage.source.reportChanges(5, 6)
  await stage.finish(2, 6)
  await stage.converge()
  stage.target.close()
  await stage.targetGone()
  stage.target = await stage.connect(1)
  stage.target.reportTarget(2)
  const recovery = await stage.source.job(3)
  const job = await getJob(stage.master.context, recovery.jobId)
  expect(job).toMatchObject({ kind: 'recovery', sources: [{ from: 2, to: 6 }] })
})

test('a target that cannot look at its folder takes nothing back of what it told before', async () => {
  await stage.start()
  await stage.finish(1, 5)
  await stage.converge()
  stage.target.close()
  await stage.targetGone()
  stage.target = await stage.connect(1)
  const error = { code: 'ROOT_CHANGED', message: 'another folder is mounted there' }
  stage.target.reportTarget(null, { error })
  await eventually('the report', async () => {
    const { targets } = await getConvergence(stage.master.context, 'name:web')
    return targets[0]?.state === 'held' && targets[0].appliedSeq === 5
  })
  stage.source.reportChanges(5, 6)
  const job = await stage.source.job(2)
  expect(await getJob(stage.master.context, job.jobId)).toMatchObject({
    kind: 'realtime',
    sources: [{ from: 5, to: 6 }],
  })
})

test('the first watermark after such a report counts, downwards too', async () => {
  await stage.start()
  await stage.finish(1, 5)
  await stage.converge()
  stage.target.close()
  await stage.targetGone()
  stage.target = await stage.connect(1)
  stage.target.reportTarget(null, { error: { code: 'IO_ERROR', message: 'input/output error' } })
  stage.target.reportTarget(2)
  expect(await getJob(stage.master.context, (await stage.source.job(2)).jobId)).toMatchObject({
    sources: [{ from: 2, to: 5 }],
  })
})

test('a new epoch ends the jobs of the old one and begins with first contact', async () => {
  await stage.start()
  const old = await stage.source.job()
  stage.source.reportSource(2, { epoch: 'epoch-2' })
  await eventually('the end of the old job', () => stage.source.of('cancelJob').length === 1)
  const fresh = await stage.source.job(2)
  expect([fresh.epoch, fresh.to]).toEqual(['epoch-2', 2])
  expect((await getJob(stage.master.context, old.jobId)).state).toBe('cancelled')
})

test('a source that comes back is told of its running jobs again, under the same id', async () => {
  await stage.start()
  const job = await stage.source.job()
  stage.source.close()
  await eventually('the source to be gone', () => !stage.master.fleet.isConnected(stage.id(0)))
  stage.source = await stage.connect(0)
  const again = await stage.source.job()
  expect([again.jobId, again.to]).toEqual([job.jobId, job.to])
  stage.target.reportTarget(5)
  stage.source.reportJob(again, 'done')
  expect((await getJob(stage.master.context, job.jobId, 5000)).state).toBe('done')
})

test.each([
  ['that has everything', 0, 'done'],
  ['of which something is pending', 2, 'partial'],
] as const)(
  'a target %s ends the job of a source that is gone',
  async (_what, pendingCount, state) => {
    await stage.start()
    const job = await stage.source.job()
    stage.target.reportTarget(5, { pendingCount })
    await eventually('its word', async () => {
      const { targets } = await getConvergence(stage.master.context, 'name:web')
      return targets[0]?.appliedSeq === 5
    })
    stage.source.close()
    expect((await getJob(stage.master.context, job.jobId, 5000)).state).toBe(state)
  },
)

test('a master that starts again takes up its jobs', async () => {
  await stage.start()
  const job = await stage.source.job()
  stage.master = await stage.master.restart()
  expect((await getJob(stage.master.context, job.jobId)).state).toBe('running')
  stage.source = await stage.connect(0)
  stage.target = await stage.connect(1)
  expect((await stage.source.job()).jobId).toBe(job.jobId)
  stage.target.reportTarget(5)
  stage.source.reportSource(5)
  stage.source.reportJob(job, 'done')
  expect((await getJob(stage.master.context, job.jobId, 5000)).state).toBe('done')
  await stage.converge()
})

test('changes with a hole before them are refused, and the source begins with what is recorded', async () => {
  await stage.start()
  await eventually('the changes recorded', () => stage.source.of('changesRecorded').length > 0)
  stage.source.reportChanges(7, 8)
  await eventually('the refusal', () => stage.source.closed)
  expect(stage.source.of('refused')).toMatchObject([{ code: 'PROTOCOL' }])
  stage.source = await stage.connect(0)
  expect(stage.source.config.sources[0]?.known).toEqual({ epoch: 'epoch-1', seq: 5 })
})

test('20,000 changes are recorded in pages without holding anyone up', async () => {
  await stage.start()
  await stage.finish(1, 5)
  const startedMs = performance.now()
  for (let from = 5; from < 20_005; from += 1000) stage.source.reportChanges(from, from + 1000)
  await eventually(
    'the changes recorded',
    () => stage.source.of('changesRecorded').at(-1)?.upTo === 20_005,
  )
  expect(performance.now() - startedMs).toBeLessThan(5000)
  const { targets } = await getConvergence(stage.master.context, 'name:web')
  expect(targets[0]?.backlogEntries).toBe(20_000)
})

test('an agent cannot speak for another', async () => {
  await stage.start()
  const job = await stage.source.job()
  const other = await stage.connect(2)
  const [foreign] = stage.target.config.targets
  const { policyId = '', bindingId = '' } = foreign ?? {}
  const pending = { pendingCount: 0, pending: [], error: null }
  const watermark = { epoch: 'epoch-1', seq: 5 }
  other.send({ type: 'targetReport', policyId, bindingId, watermark, ...pending })
  other.reportJob(job, 'done')
  other.send({ type: 'goodbye', reason: 'x' })
  other.close()
  await eventually('the other to be gone', () => !stage.master.fleet.isConnected(stage.id(2)))
  expect((await getJob(stage.master.context, job.jobId)).state).toBe('running')
})

test('a changed policy is tried at once, whatever failed before', async () => {
  await stage.start()
  const error = { code: 'FIRST_CONTACT', message: 'other files are there' }
  const job = await stage.source.job()
  stage.source.reportJob(job, 'failed', { error })
  expect((await getJob(stage.master.context, job.jobId, 5000)).state).toBe('failed')
  const { targets } = await getConvergence(stage.master.context, 'name:web')
  expect(targets).toMatchObject([{ state: 'held', reason: { code: 'FIRST_CONTACT' } }])
  await updatePolicy(stage.master.context, SYSTEM_ACTOR, {
    reference: 'name:web',
    change: (fields) => ({ ...fields, firstContact: 'replace' }),
  })
  expect((await stage.source.job(2)).jobId).not.toBe(job.jobId)
  expect(stage.target.config.targets).toMatchObject([{ firstContact: 'replace' }])
})
