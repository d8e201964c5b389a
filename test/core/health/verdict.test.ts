import { expect, test } from 'bun:test'

import { GOOD, judged } from '../../../src/core/health/verdict.ts'

const NOTHING = { sessions: null, load1: 0, diskFreeBytes: null, txBytes: 0, rxBytes: 0 }

/** How a server is judged after each of these loads. */
function judge(loads: readonly (readonly [number, number])[]): string {
  let verdict = GOOD
  const letters = loads.map(([cpuPercent, memoryPercent]) => {
    verdict = judged(verdict, { ...NOTHING, cpuPercent, memoryPercent })
    return verdict.health === 'good' ? 'g' : 'b'
  })
  return letters.join('')
}

const load = (cpu: number, times: number) => Array(times).fill([cpu, 10]) as [number, number][]

test.each([
  ['one peak is no trouble', [...load(99, 2), ...load(50, 1), ...load(99, 2)], 'ggggg'],
  ['three in a row are', load(99, 4), 'ggbb'],
  ['memory counts too', Array(3).fill([0, 97]) as [number, number][], 'ggb'],
  ['a little less is not enough to recover', [...load(99, 3), ...load(90, 4)], 'ggbbbbb'],
  ['three good ones are', [...load(99, 3), ...load(50, 3)], 'ggbbbg'],
])('%s', (_name, loads, verdicts) => {
  expect(judge(loads)).toBe(verdicts)
})
