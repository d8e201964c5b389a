import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import { SYSTEM_ACTOR } from '../../../src/master/context.ts'
import { createHopRule, updateHopRule } from '../../../src/master/use-cases/hop-rules.ts'
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

/** The rates that the source was told, of one job. */
const rates = (jobId: string) =>
  stage.source
    .of('job')
    .filter((job) => job.jobId === jobId)
    .map((job) => job.children[0]?.hop.rateBytesPerS ?? null)

test('a job that runs is told of new options of its hops, by the fleet and by its policy', async () => {
  const policy = await stage.start()
  const { jobId } = await stage.source.job()
  expect(rates(jobId)).toEqual([null])
  const { context } = stage.master
  const rule = { scope: 'group' as const, rateBytesPerS: 1_000_000 }
  const { id } = await createHopRule(context, SYSTEM_ACTOR, rule)
  await eventually('the ceiling', () => rates(jobId).length === 2)
  await updateHopRule(context, SYSTEM_ACTOR, { id, rule: { ...rule, rateBytesPerS: 2_000_000 } })
  await eventually('the higher ceiling', () => rates(jobId).length === 3)
  await updatePolicy(context, SYSTEM_ACTOR, {
    reference: policy.id,
    change: (current) => ({ ...current, hops: [{ scope: 'group', rateBytesPerS: 500_000 }] }),
  })
  await eventually('the policy’s own', () => rates(jobId).length === 4)
  expect(rates(jobId)).toEqual([null, 1_000_000, 2_000_000, 500_000])
  expect(stage.source.of('job').every((job) => job.jobId === jobId)).toBe(true)
})

test('what changes in a policy beside its hops is not told to the job that runs', async () => {
  const policy = await stage.start()
  const { jobId } = await stage.source.job()
  await updatePolicy(stage.master.context, SYSTEM_ACTOR, {
    reference: policy.id,
    change: (current) => ({ ...current, deletes: 'keep' as const }),
  })
  await eventually('the news', () => stage.target.config.targets[0]?.deletes === 'keep')
  expect(rates(jobId)).toEqual([null])
})
