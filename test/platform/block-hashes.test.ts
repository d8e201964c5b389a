import { expect, test } from 'bun:test'

import { BLOCK_BYTES_MAX } from '../../src/core/delta/block-size.ts'
import { blockHashes } from '../../src/platform/block-hashes.ts'
import { random } from '../fakes/random.ts'

const next = random(31)
const noise = (bytes: number) => Uint8Array.from({ length: bytes }, () => next(256))

/** The definition, digit by digit. */
function digits(bytes: Uint8Array, base: number): number {
  return bytes.reduce((sum, byte) => (Math.imul(sum, base) + byte) | 0, 0)
}

test.each([16, 32, 48, 2032, BLOCK_BYTES_MAX])(
  'the weak hash of %d bytes is as defined',
  (length) => {
    for (const bases of [
      { low: 5, high: -3 },
      { low: 0x7fff_ffff, high: 0x2545_f491 },
    ]) {
      const bytes = noise(length)
      const expected = { low: digits(bytes, bases.low), high: digits(bytes, bases.high) }
      expect(blockHashes.weak(bytes, bases)).toEqual(expected)
      expect(blockHashes.weak(bytes.fill(255), bases)).toEqual({
        low: digits(bytes, bases.low),
        high: digits(bytes, bases.high),
      })
    }
  },
)

test('nothing is left over of a longer stretch, and a part of a buffer is only that part', () => {
  const bases = { low: 77_777, high: 99_999 }
  const bytes = noise(4096)
  blockHashes.weak(bytes, bases)
  const part = bytes.subarray(1000, 1032)
  expect(blockHashes.weak(part, bases).low).toBe(digits(part, bases.low))
})

test.each([0, 1, 15, 17, BLOCK_BYTES_MAX + 16])('%d bytes are refused', (length) => {
  expect(() => blockHashes.weak(new Uint8Array(length), { low: 5, high: 5 })).toThrow()
})

test('the strong hash is frozen: both ends of a connection must make the same', () => {
  const target = new Uint8Array(20)
  blockHashes.strong(Buffer.from('block'), target, 2)
  expect(Buffer.from(target).toString('hex')).toMatchInlineSnapshot(
    `"0000152ccaf87b6dc940be059adffd26925c0000"`,
  )
})
