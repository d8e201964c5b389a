import { expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'

import { blockCodec, packAside } from '../../src/platform/block-codec.ts'
import { SLOW_LEVEL_MIN } from '../../src/platform/compression.ts'

const CHUNK_BYTES = 256 << 10
const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
const words = ['alpha', 'const', 'import', 'return', 'error', 'info', '=>', '0x1f']
const text = new TextEncoder()
  .encode(
    Array.from(
      { length: CHUNK_BYTES },
      (_, index) => `${words[(index * 7919) % words.length]} ${index % 977}`,
    ).join('\n'),
  )
  .subarray(0, CHUNK_BYTES)
const noise = new Uint8Array(randomBytes(CHUNK_BYTES))

const packed = (level: number, bytes: Uint8Array) =>
  level < SLOW_LEVEL_MIN
    ? blockCodec.compress(level, bytes)
    : packAside(level, blockCodec.compress(0, bytes))

test.each(LEVELS)('level %d: text shrinks, noise goes as it is, both come back', async (level) => {
  const block = await packed(level, text)
  expect(Buffer.compare(blockCodec.decompress(block), text)).toBe(0)
  if (level === 0) expect(block.bytes.length).toBe(text.length)
  else expect(block.bytes.length).toBeLessThan(text.length / 2)
  const plain = await packed(level, noise)
  expect(plain.compression).toBe('none')
  // Not a copy either.
  expect(plain.bytes).toBe(noise)
})

test('what only partly shrinks is packed', () => {
  const mixed = Buffer.concat([noise.subarray(0, CHUNK_BYTES / 2), text.subarray(CHUNK_BYTES / 2)])
  expect(blockCodec.compress(3, mixed).bytes.length).toBeLessThan(CHUNK_BYTES * 0.75)
})

test('what is packed already is not packed again', async () => {
  const once = blockCodec.compress(3, text)
  expect(await packAside(9, once)).toBe(once)
})

test('the event loop goes on while a block is packed at the highest level', async () => {
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const before = turns
  await packAside(9, blockCodec.compress(0, text))
  const during = turns - before
  isOver = true
  expect(during).toBeGreaterThan(3)
})
