import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'

import { createWatchers } from '../../src/platform/watchers.ts'
import { startInotifyWorker } from '../../src/spawn.ts'
import { Rig, told, until } from './rig.ts'

// What is waited for comes in milliseconds, on a busy machine in seconds.
setDefaultTimeout(30_000)

let rig: Rig
afterEach(() => rig.remove())

test.each(['kernel', 'parcel'] as const)(
  '%s: a file that is written slowly is told once, whole, in a new folder too',
  async (choice) => {
    rig = await new Rig({ watchers: createWatchers(choice, startInotifyWorker) }).start()
    await rig.flush()
    mkdirSync(rig.at('new'))
    const paths = ['slow', 'new/slow']
    const files = paths.map((path) => openSync(rig.at(path), 'w'))
    for (let index = 0; index < 15; index++) {
      for (const file of files) writeSync(file, 'x'.repeat(1000))
      await Bun.sleep(120)
    }
    const slow = () => rig.records.filter(({ path }) => path.endsWith('slow'))
    expect(slow()).toEqual([])
    for (const file of files) closeSync(file)
    await until(() => slow().length === 2, 'they are told')
    await Bun.sleep(300)
    const sizes = new Map(slow().map(({ path, size }) => [path as string, size]))
    expect(slow()).toHaveLength(2)
    expect([sizes.get('slow'), sizes.get('new/slow')]).toEqual([15_000, 15_000])
  },
)

test('a log that is appended to all the time is told again and again, and holds nothing up', async () => {
  const holdMaxMs = 500
  rig = await new Rig({ times: { holdMaxMs } }).start()
  await rig.flush()
  const log = openSync(rig.at('log'), 'w')
  const write = setInterval(() => writeSync(log, 'line\n'), 10)
  const logSizes = () => rig.records.flatMap(({ path, size }) => (path === 'log' ? [size] : []))
  const startedMs = performance.now()
  const waits: number[] = []
  for (let round = 0; round < 8; round++) {
    const writtenMs = performance.now()
    writeFileSync(rig.at(`other-${round}`), 'content')
    await until(() => told(rig.records).includes(`create other-${round}`), 'the other is told')
    waits.push(performance.now() - writtenMs)
    await Bun.sleep(150)
  }
  await until(() => logSizes().length >= 3, 'the log is told again and again')
  clearInterval(write)
  closeSync(log)
  const rounds = (performance.now() - startedMs) / holdMaxMs
  expect(Math.min(...waits)).toBeLessThan(holdMaxMs / 2)
  expect(logSizes().length).toBeLessThanOrEqual(rounds + 1)
  expect(logSizes()).toEqual(logSizes().toSorted((left, right) => left - right))
})
