import { Database } from 'bun:sqlite'
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'drizzle-orm'

import initial from '../../../migrations/master/0001_initial.sql' with { type: 'text' }
import { readBacklog } from '../../../src/master/convergence/read.ts'
import { openMasterDatabase } from '../../../src/master/db/database.ts'
import { getConvergence } from '../../../src/master/use-cases/convergence.ts'
import { getJob } from '../../../src/master/use-cases/jobs.ts'
import { eventually } from '../../fakes/eventually.ts'
import { Stage } from '../../fakes/stage.ts'
import { removeMasterFolders } from '../../fakes/test-master.ts'

afterAll(removeMasterFolders)

test('a backlog is what lies above the watermark, over pages, and also where older changes are pruned', async () => {
  const stage = await Stage.open()
  const backlog = async () => {
    const { targets } = await getConvergence(stage.master.context, 'name:web')
    return [targets[0]?.backlogEntries, targets[0]?.backlogBytes]
  }
  await stage.start()
  const job = await stage.source.job()
  stage.source.reportChanges(5, 12)
  await eventually('the second page', async () => Bun.deepEquals(await backlog(), [12, 120]))
  stage.target.reportTarget(3)
  await eventually('the watermark', async () => Bun.deepEquals(await backlog(), [9, 90]))
  await stage.master.context.database.write((writer) =>
    writer.run(sql`DELETE FROM changes WHERE seq <= 2`),
  )
  expect(await backlog()).toEqual([9, 90])
  expect(await getJob(stage.master.context, job.jobId)).toMatchObject({ entries: 5, bytes: 50 })
  stage.target.reportTarget(12)
  await eventually('the end', async () => Bun.deepEquals(await backlog(), [0, 0]))
  await stage.master.stop()
})

test('a database of before is given its totals', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cd-totals-'))
  const file = join(folder, 'master.db')
  const old = new Database(file)
  old.run(initial)
  for (const [epoch, seq] of [['a', 3], ['a', 7], ['b', 1], ['a', 9]] as const) // prettier-ignore
    old.run("INSERT INTO changes VALUES ('s', ?, ?, 'p', NULL, 'create', 'file', ?, NULL, ?)", [epoch, seq, seq * 10, seq]) // prettier-ignore
  old.run('PRAGMA user_version = 1')
  old.close()
  const database = await openMasterDatabase(file)
  const above = (appliedSeq: number) =>
    readBacklog(database.read, { sourceId: 's', epoch: 'a', appliedSeq })
  expect([await above(0), await above(3), await above(8), await above(9)]).toEqual([
    { entries: 3, bytes: 190, sinceMs: 3 },
    { entries: 2, bytes: 160, sinceMs: 7 },
    { entries: 1, bytes: 90, sinceMs: 9 },
    { entries: 0, bytes: 0, sinceMs: null },
  ])
  await database.close()
  rmSync(folder, { recursive: true })
})
