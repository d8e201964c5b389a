import { expect, test } from 'bun:test'

import { type BitFilter, RollingHash, WindowHash } from '../../../src/core/delta/rolling-hash.ts'
import { addToFilter } from '../../../src/core/delta/rolling-hash.ts'
import { weakHash } from '../../../src/platform/weak-hash.ts'
import { random } from '../../fakes/random.ts'

const next = random(11)
const BYTES = Uint8Array.from({ length: 3000 }, () => next(256))

function filterOf(numbers: readonly number[]): BitFilter {
  const filter = { first: new Int32Array(32), second: new Int32Array(32), shift: 22 }
  for (const number of numbers) addToFilter(filter, number)
  return filter
}

test.each([32, 64, 512])('over blocks of %d bytes it is what it would be made anew', (block) => {
  const window = new WindowHash(block, { low: 5, high: -6 }, weakHash)
  const rolling = new RollingHash(window)
  rolling.start(BYTES, 0)
  for (let at = 0; at + block < BYTES.length; at++) {
    const { low, high } = window.at(BYTES, at)
    expect(rolling.low).toBe(low)
    // The high lane is asked for now and then only, after any distance.
    if (next(40) === 0) expect(rolling.highAt(BYTES, at)).toBe(high)
    if (next(400) === 0) rolling.start(BYTES, at)
    rolling.step(BYTES, at)
  }
})

test('it stops where the filter knows the window, and in front of the last block', () => {
  const block = 64
  const window = new WindowHash(block, { low: 1, high: 2 }, weakHash)
  const wanted = [0, 1, 777, 1500, BYTES.length - block]
  const filter = filterOf(wanted.map((at) => window.at(BYTES, at).low))
  const rolling = new RollingHash(window)
  rolling.start(BYTES, 0)
  const found: number[] = []
  for (let at = 0; at + block <= BYTES.length; at++) {
    const stopped = rolling.roll(BYTES, { at, end: BYTES.length }, filter)
    if (stopped + block > BYTES.length) break
    expect(rolling.low).toBe(window.at(BYTES, stopped).low)
    expect(rolling.highAt(BYTES, stopped)).toBe(window.at(BYTES, stopped).high)
    found.push(stopped)
    rolling.step(BYTES, stopped)
    at = stopped
  }
  expect(found).toEqual(expect.arrayContaining(wanted))
  // Two bitmaps of a thousand bits let pass what is not among five numbers about once in forty thousand.
  expect(found.length).toBeLessThan(wanted.length + 3)
})

test('an empty filter lets nothing pass', () => {
  const rolling = new RollingHash(new WindowHash(64, { low: 1, high: 2 }, weakHash))
  rolling.start(BYTES, 0)
  expect(rolling.roll(BYTES, { at: 0, end: BYTES.length }, filterOf([]))).toBe(BYTES.length - 63)
})
