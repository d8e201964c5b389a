import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'

import { Rig, until } from './rig.ts'

setDefaultTimeout(60_000)

const COUNT = 3000
const LIMIT = { count: 100, percent: null, windowS: 600 }

let rig: Rig
afterEach(() => rig.remove())

/** Brings a source into the middle of its first look. */
async function inMidLook(): Promise<void> {
  rig = new Rig({ config: { deletionLimit: LIMIT } })
  mkdirSync(rig.at('a'))
  for (let number = 0; number < COUNT; number++) writeFileSync(rig.at(`a/f${number}`), `${number}`)
  await rig.start()
  await until(() => rig.rows().size > COUNT / 4, 'some are known')
}

async function renamedIs(): Promise<string[]> {
  await rig.flush()
  return [...new Set([...rig.rows().values()].map(({ entry }) => entry.operation))].toSorted()
}

test('a folder that is renamed while it is looked through for the first time is no deletion', async () => {
  await inMidLook()
  renameSync(rig.at('a'), rig.at('b'))
  await renamedIs()
  expect([rig.report.hold, rig.paths().length]).toEqual([null, COUNT + 1])
})

test('nor one that is renamed after a kill in the middle of that', async () => {
  await inMidLook()
  await rig.abandon()
  renameSync(rig.at('a'), rig.at('b'))
  await rig.start()
  expect(await renamedIs()).toContain('move')
  expect([rig.report.hold, rig.paths().length]).toEqual([null, COUNT + 1])
})
