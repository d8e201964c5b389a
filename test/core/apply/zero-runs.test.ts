import { expect, test } from 'bun:test'

import { hasHole, zeroRuns } from '../../../src/core/apply/zero-runs.ts'
import { random } from '../../fakes/random.ts'

const BLOCK = 4096

/** Content from a text: `.` is a block of zeros, `x` one that is none, `-` a byte of zero. */
function content(text: string): Uint8Array {
  const parts = text.split('').map((each) => {
    const part = new Uint8Array(each === '-' ? 1 : BLOCK)
    if (each === 'x') part[1234] = 1
    return part
  })
  return new Uint8Array(Buffer.concat(parts))
}

test.each([
  ['nothing', '', 0, ''],
  ['data', 'xx', 0, 'data 0-8192'],
  ['zeros', '..', 0, 'hole 0-8192'],
  ['data around zeros', 'x..x', 0, 'data 0-4096, hole 4096-12288, data 12288-16384'],
  ['zeros around data', '.x.', 0, 'hole 0-4096, data 4096-8192, hole 8192-12288'],
  ['part of a block at the end', '.-', 0, 'hole 0-4096, data 4096-4097'],
  ['part of a block alone', '--', 0, 'data 0-2'],
  ['zeros that begin within a block', '..', 1, 'data 0-4095, hole 4095-8191, data 8191-8192'],
  ['zeros up to a block', '-', BLOCK - 1, 'data 0-1'],
  ['zeros beyond the first block', '.', 3 * BLOCK, 'hole 0-4096'],
] as const)('%s', (_name, ...[text, position, expected]) => {
  const runs = zeroRuns(content(text), position)
  expect(runs.map(({ kind, start, end }) => `${kind} ${start}-${end}`).join(', ')).toBe(expected)
})

test('runs follow on each other, cover everything, and holes hold nothing', () => {
  const next = random(4)
  for (let round = 0; round < 500; round++) {
    const bytes = new Uint8Array(next(5 * BLOCK))
    for (let marks = next(4); marks > 0; marks--) bytes[next(bytes.length)] = 1
    const runs = zeroRuns(bytes, next(3 * BLOCK))
    let end = 0
    for (const run of runs) {
      expect(run.start).toBe(end)
      expect(run.end).toBeGreaterThan(run.start)
      if (run.kind === 'hole') expect(bytes.subarray(run.start, run.end).some(Boolean)).toBe(false)
      end = run.end
    }
    expect(end).toBe(bytes.length)
  }
})

test.each([
  ['', false],
  ['x', false],
  ['-', false],
  ['xx', false],
  ['.', true],
  ['x.', true],
  ['.x', true],
  ['xx.-', true],
  ['-.', true],
  ['-x', false],
] as const)('a hole in %p: %p', (...[text, expected]) => {
  expect(hasHole(content(text))).toBe(expected)
})
