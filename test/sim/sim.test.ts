import { expect, test } from 'bun:test'

import { LOSSES } from './sim-root.ts'
import { simulate } from './simulation.ts'

const SEEDS = 300
/** What the runs must have met, or they show nothing. */
const EXPECTED = [
  'a conflict, by newest',
  'a conflict, by sourceOrder',
  'a file is kept aside',
  'a holder brings something',
  'deletions are held',
  'jobs of two sources at once',
  'own files',
  'pending: CONFLICT',
  'pending: EXTRA_IN_THE_WAY',
  'pending: FOLDER_NOT_EMPTY',
  'pending: NO_SPACE',
  'sources: 1',
  'sources: 2',
  'sources: 3',
  'the filter changes',
  'the filter changes, and what is excluded is deleted',
  ...LOSSES.flatMap((loss) => [
    `the loss of a source's root is seen: ${loss}`,
    `the loss of a target's root is seen: ${loss}`,
  ]),
  'something is excluded and there',
]

test(
  'hundreds of runs keep every invariant, and meet everything',
  async () => {
    const failed: string[] = []
    const met = new Set<string>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { problems, met: names } = await simulate(seed)
      for (const name of names) met.add(name)
      if (problems.length > 0)
        failed.push(`bun test/sim/run.ts --seed ${seed}: ${problems.join('; ')}`)
    }
    expect(failed).toEqual([])
    expect(EXPECTED.filter((name) => !met.has(name))).toEqual([])
  },
  { timeout: 240_000 },
)

test('a seed gives the same run every time', async () => {
  for (const seed of [3, 77, 1234]) {
    const first = await simulate(seed)
    expect(await simulate(seed)).toEqual(first)
    expect(first.trace.length).toBeGreaterThan(20)
  }
})
