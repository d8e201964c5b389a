import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'

import { Rig, until } from './rig.ts'

// What is waited for comes in milliseconds, on a busy machine in seconds.
setDefaultTimeout(60_000)

let rig: Rig
afterEach(() => rig.remove())

/** Every path takes it milliseconds: the states of the machine are more than are remembered. */
const SLOW = Array.from({ length: 60 }, (_, index) => `a[ab]{${36 + (index % 8)}}[^ab]x`)

test('a filter that takes milliseconds for each path never keeps the rest waiting for long', async () => {
  rig = new Rig()
  for (let folder = 0; folder < 2; folder++) {
    mkdirSync(rig.at(`d${folder}`))
    for (let file = 0; file < 30; file++) {
      const bits = (folder * 30 + file + 512).toString(2).replaceAll('0', 'a').replaceAll('1', 'b')
      writeFileSync(rig.at(`d${folder}/${bits.repeat(12)}`), '')
    }
  }
  await rig.start()
  await until(() => rig.report.completeAt !== null, 'it is scanned')

  let longestMs = 0
  let lastMs = performance.now()
  const beat = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastMs)
    lastMs = performance.now()
  }, 5)
  await rig.configure({
    filter: { include: [], exclude: SLOW, deleteExcluded: false },
    viewRevision: 2,
  })
  await until(
    () => rig.report.viewRevision === 2 && rig.report.gaps.length === 0,
    'the view is new',
  )
  await rig.flush()
  clearInterval(beat)
  expect(rig.rows().size).toBe(63)
  // All together takes it seconds.
  expect(longestMs).toBeLessThan(1500)
})
