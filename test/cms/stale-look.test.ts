import { afterEach, expect, test } from 'bun:test'
import { utimesSync } from 'node:fs'

import { Rig, until } from './rig.ts'

const ROUNDS = 300
/** In seconds since 1970; each round has the next. */
const FIRST_S = 1_000_000_000

let rig: Rig
afterEach(() => rig.remove())

test('what a scan saw of its own folder before it rested is not taken for what is there now', async () => {
  rig = new Rig({ times: { rescanMs: 1 } })
  await rig.start()
  await rig.flush()
  for (let round = 0; round < ROUNDS; round++) {
    utimesSync(rig.root, FIRST_S + round, FIRST_S + round)
    await Bun.sleep(1)
  }
  const last = `${FIRST_S + ROUNDS - 1}000000000`
  const times = () =>
    rig.records.filter(({ path }) => path === '').map(({ mtimeNs }) => Number(mtimeNs))
  await until(() => times().at(-1) === Number(last), 'the last is known')
  const seen = times().filter((mtimeNs) => mtimeNs < 1.1e18)
  expect(seen).toEqual(seen.toSorted((one, other) => one - other))
  expect(seen.length).toBeGreaterThan(ROUNDS / 10)
})
