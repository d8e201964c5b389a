import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'

import type { Fleet } from '../../../src/master/context.ts'
import { readSetting, writeSetting } from '../../../src/master/db/settings.ts'
import { Batches } from '../../../src/master/jobs/batches.ts'
import type { Work } from '../../../src/master/jobs/work.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { codeOf, eventually } from '../../fakes/eventually.ts'
import { type TestMaster, removeMasterFolders, startTestMaster } from '../../fakes/test-master.ts'

let master: TestMaster
let batches: Batches
let cutOff: string[]
let recoveries: number

beforeEach(async () => {
  master = await startTestMaster()
  cutOff = []
  recoveries = 0
  const fleet: Fleet = Object.assign(Object.create(master.fleet) as Fleet, {
    disconnect: (serverId: string) => void cutOff.push(serverId),
    configSettled: async () => {},
  })
  const log = createLogger({ level: 'error', write: () => {} })
  batches = new Batches(
    { ...master.context, fleet, log },
    {
      conclude: () => {},
      recover: async () => void recoveries++,
      settled: () => {},
    },
  )
})

afterEach(async () => {
  await batches.stop()
  await master.stop()
})

afterAll(removeMasterFolders)

const put = (key: string) => (work: Work) =>
  work.write((writer) => writeSetting(writer, { key, value: key }))
const fail = (work: Work) =>
  work.write((writer) => writer.run('INSERT INTO no_such_table VALUES (1)'))
const stored = async (key: string) => await readSetting(master.database.read, key)

test('what cannot be written harms nobody else: its agent alone is cut off', async () => {
  batches.enqueue(put('a'), 'one')
  batches.enqueue(fail, 'two')
  batches.enqueue(put('b'), 'three')
  await batches.run(put('c'))
  expect([await stored('a'), await stored('b'), await stored('c')]).toEqual(['a', 'b', 'c'])
  expect(cutOff).toEqual(['two'])
  expect(recoveries).toBeGreaterThan(0)
})

test('who waits for an outcome is told that it was not written', async () => {
  expect(await codeOf(batches.run(fail))).not.toBe(null)
  await batches.run(put('later'))
  expect(await stored('later')).toBe('later')
})

test('nothing is handled while something runs exclusively', async () => {
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  const exclusive = batches.exclusively(async () => {
    await gate.promise
    order.push('exclusive')
  })
  batches.enqueue(() => void order.push('task'))
  await Bun.sleep(5)
  expect(order).toEqual([])
  gate.resolve()
  await exclusive
  await eventually('the task', () => order.length === 2)
  expect(order).toEqual(['exclusive', 'task'])
})

test('events go out only once all is written', async () => {
  const seen: unknown[] = []
  master.context.events.subscribe((event) => {
    if (event.objectId === 'x') seen.push(event)
  })
  const publish = (work: Work) => work.publish({ type: 'job', objectId: 'x', data: {} })
  const both = (work: Work) => {
    publish(work)
    fail(work)
  }
  expect(await codeOf(batches.run(both))).not.toBe(null)
  expect(seen).toEqual([])
  await batches.run(publish)
  expect(seen.length).toBe(1)
})
