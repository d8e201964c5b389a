import { describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'

import { AppError } from '../../src/core/base/errors.ts'
import {
  COMPRESSION_LEVEL_MAX,
  compress,
  compressionKind,
  decompress,
} from '../../src/platform/compression.ts'

const text = Buffer.from('a line of a log that repeats itself\n'.repeat(2000))
const contents = {
  empty: new Uint8Array(0),
  'one byte': new Uint8Array([7]),
  text,
  random: new Uint8Array(randomBytes(100_000)),
  'part of a larger buffer': text.subarray(13, 5013),
}
const levels = Array.from({ length: COMPRESSION_LEVEL_MAX + 1 }, (_, level) => level)

describe.each(levels)('level %d', (level) => {
  test.each(Object.entries(contents))('gives %s back', (_name, bytes) => {
    const packed = compress(level, bytes)
    const plain = decompress(compressionKind(level), packed, bytes.length)
    expect(Buffer.compare(plain, bytes)).toBe(0)
  })
})

test('levels rise from none over lz4 to zstd, and shrink text', () => {
  expect(levels.map(compressionKind).join(' ')).toBe(
    'none lz4 zstd zstd zstd zstd zstd zstd zstd zstd',
  )
  const sizes = levels.map((level) => compress(level, text).length)
  expect(sizes[0]).toBe(text.length)
  for (const size of sizes.slice(1)) expect(size).toBeLessThan(text.length / 20)
})

const prefixed = (bytes: number, rest: Uint8Array): Buffer => {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32LE(bytes)
  return Buffer.concat([prefix, rest])
}
const packedText = { lz4: compress(1, text), zstd: compress(2, text) }
const hostile = [
  ['none', 'too long', text, 10],
  ['lz4', 'nothing', new Uint8Array(0), 10],
  ['lz4', 'a claim of 4 GiB', prefixed(0xffffffff, new Uint8Array(8)), 1000],
  ['lz4', 'more than was said', packedText.lz4, text.length - 1],
  ['lz4', 'less than was said', packedText.lz4, text.length + 1],
  ['lz4', 'a false claim', prefixed(100, packedText.lz4.subarray(4)), 100],
  ['lz4', 'cut off', packedText.lz4.subarray(0, packedText.lz4.length - 3), text.length],
  ['lz4', 'rubbish', prefixed(1000, randomBytes(500)), 1000],
  ['zstd', 'nothing', new Uint8Array(0), 10],
  ['zstd', 'more than was said', packedText.zstd, text.length - 1],
  ['zstd', 'less than was said', packedText.zstd, text.length + 1],
  ['zstd', 'a bomb', compress(9, Buffer.alloc(1 << 27)), 1000],
  ['zstd', 'cut off', packedText.zstd.subarray(0, packedText.zstd.length - 3), text.length],
  ['zstd', 'rubbish', randomBytes(500), 1000],
] as const

test.each(hostile)('%s refuses %s', (...[kind, , bytes, plainBytes]) => {
  const run = (): Uint8Array => decompress(kind, bytes, plainBytes)
  expect(run).toThrow(AppError)
  expect(run).toThrow(/^cannot unpack \d+ bytes of (none|lz4|zstd) to \d+$/)
})
