import { expect, test } from 'bun:test'

import { simulate } from './simulation.ts'

const SEEDS = 1000

test(
  'a thousand runs keep every invariant',
  async () => {
    const failed: string[] = []
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { problems } = await simulate(seed)
      if (problems.length > 0)
        failed.push(`bun test/sim/run.ts --seed ${seed}: ${problems.join('; ')}`)
    }
    expect(failed).toEqual([])
  },
  { timeout: 120_000 },
)

test('a seed gives the same run every time', async () => {
  for (const seed of [3, 77, 1234]) {
    const first = await simulate(seed)
    expect(await simulate(seed)).toEqual(first)
    expect(first.trace.length).toBeGreaterThan(20)
  }
})
