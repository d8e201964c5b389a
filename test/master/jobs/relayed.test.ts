import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { getJob } from '../../../src/master/use-cases/jobs.ts'
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

const DROPPED = { error: { code: 'RELAY_DROPPED', message: 'the relay is gone' } }

test('what a relay gave up goes on in the same job at once, in a run of its own', async () => {
  await stage.start()
  const first = await stage.source.job()
  stage.source.reportJob(first, 'failed', DROPPED)
  const second = await stage.source.job(2)
  expect(second.jobId).not.toBe(first.jobId)
  expect(second.jobId).toStartWith(`${first.jobId}.`)
  expect(second.children).toMatchObject([{ serverId: stage.id(1), children: [] }])
  // Told again after a reconnect: it is about a run that is over.
  stage.source.reportJob(first, 'failed', DROPPED)
  stage.target.reportTarget(5)
  stage.source.reportJob(second, 'done')
  expect(await getJob(stage.master.context, first.jobId, 5000)).toMatchObject({
    state: 'done',
    targets: [{ why: 'direct from the source: it held up a stream a short while ago' }],
  })
  expect(stage.source.of('job').length).toBe(2)
})

test('a target that is away by then has failed, and comes back as its policy says', async () => {
  await stage.start()
  const first = await stage.source.job()
  stage.target.close()
  await stage.targetGone()
  stage.source.reportJob(first, 'failed', DROPPED)
  const job = await getJob(stage.master.context, first.jobId, 5000)
  expect(job).toMatchObject({ state: 'failed', targets: [{ error: { code: 'RELAY_DROPPED' } }] })
})

test('a server that is no relay of the job is not heard', async () => {
  await stage.start()
  const first = await stage.source.job()
  const other = await stage.connect(2)
  other.reportJob(first, 'done')
  other.reportJob(first, 'failed', DROPPED)
  stage.target.reportTarget(5)
  stage.source.reportJob(first, 'done', { entriesApplied: 7 })
  const job = await getJob(stage.master.context, first.jobId, 5000)
  expect(job).toMatchObject({ state: 'done', targets: [{ via: stage.id(0), entriesApplied: 7 }] })
})
