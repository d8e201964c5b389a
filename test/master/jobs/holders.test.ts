import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { getConvergence } from '../../../src/master/use-cases/convergence.ts'
import { getJob } from '../../../src/master/use-cases/jobs.ts'
import { eventually } from '../../fakes/eventually.ts'
import type { ScriptedAgent } from '../../fakes/scripted-agent.ts'
import { Stage } from '../../fakes/stage.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

let stage: Stage
let other: ScriptedAgent

beforeEach(async () => {
  stage = await Stage.open()
  // Two targets; the second one is where the first is not yet.
  await stage.start({ targets: [stage.id(1), stage.id(2)] })
  other = await stage.connect(2)
  other.reportTarget(5)
})

afterEach(async () => {
  await stage.master.stop()
})

afterAll(removeMasterFolders)

const sourceGone = async () => {
  stage.source.close()
  await eventually('the source to be gone', () => !stage.master.fleet.isConnected(stage.id(0)))
}

test('what a source that is gone was sending goes on from whoever holds more', async () => {
  const first = await stage.source.job()
  await sourceGone()
  const second = await other.job()
  expect(second).toMatchObject({
    to: 5,
    holderId: other.config.targets[0]?.bindingId,
    children: [{ serverId: stage.id(1), children: [] }],
  })
  const [, claims = ''] = (second.children[0]?.ticket ?? '').split('.')
  const ticket: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString())
  expect(ticket).toMatchObject({
    sourceServerId: stage.id(0),
    senders: [stage.id(2)],
    signerKey: expect.any(String),
  })
  stage.target.reportTarget(5)
  other.reportJob(second, 'done', { entriesApplied: 5 })
  const [jobId = ''] = second.jobId.split('.')
  expect(await getJob(stage.master.context, jobId, 5000)).toMatchObject({
    state: 'done',
    targets: [{ via: stage.id(2), why: 'from a server that holds it, for the source is away' }],
  })
  expect(first.jobId).not.toBe(second.jobId)
})

test('a holder that is gone is replaced by the source', async () => {
  await stage.source.job()
  await sourceGone()
  await other.job()
  stage.source = await stage.connect(0)
  stage.source.reportSource(5)
  other.close()
  const again = await stage.source.job()
  expect(again.children).toMatchObject([{ serverId: stage.id(1) }])
  expect(again.holderId).toBeUndefined()
})

test('a master that starts again waits for no sender that does not come', async () => {
  await stage.source.job()
  stage.master = await stage.master.restart()
  stage.target = await stage.connect(1)
  stage.target.reportTarget(null)
  other = await stage.connect(2)
  other.reportTarget(5)
  expect(await other.job()).toMatchObject({ to: 5, children: [{ serverId: stage.id(1) }] })
})

test('where nobody holds more, the rest is said to wait for the source', async () => {
  const job = await stage.source.job()
  stage.target.reportTarget(3)
  stage.source.reportJob(job, 'failed', {
    error: { code: 'SOURCE_UNAVAILABLE', message: 'stopped' },
  })
  other.reportTarget(3)
  await sourceGone()
  await eventually('the state', async () => {
    const { targets } = await getConvergence(stage.master.context, 'name:web')
    return targets.some(({ reason }) => reason?.code === 'SOURCE_UNAVAILABLE')
  })
})
