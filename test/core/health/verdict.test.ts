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

/** The level after each of these loads. */
function levels(loads: readonly number[], sessions: number | null = null): string {
  let verdict = GOOD
  const digits = loads.map((cpuPercent) => {
    verdict = judged(verdict, { ...NOTHING, sessions, cpuPercent, memoryPercent: 10 })
    return verdict.level
  })
  return digits.join('')
}

test.each([
  ['each level from its bound on', [60, 60, 60, 80, 80, 80, 95, 95, 95], '001112223'],
  ['to the nearest of those that speak for it', [99, 65, 99, 99, 99, 99], '001113'],
  ['down only below the slack', [85, 85, 85, 72, 72, 72, 69, 69, 69], '002222221'],
  ['all the way down at once', [99, 99, 99, 5, 5, 5], '003330'],
  ['up and down in turn is neither', [65, 5, 65, 5, 65, 5], '000000'],
])('levels: %s', (_name, loads, expected) => {
  expect(levels(loads)).toBe(expected)
})

test('so many connections count too', () => {
  expect(levels([0, 0, 0], 17_000)).toBe('002')
})

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
