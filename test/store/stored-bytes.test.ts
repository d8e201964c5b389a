import { expect, test } from 'bun:test'

import { fromBytes } from '../../src/core/base/byte-string.ts'
import { storedBytes } from '../../src/store/stored-bytes.ts'

const every = Uint8Array.from({ length: 256 }, (_, index) => index)

test.each([
  ['nothing', new Uint8Array()],
  ['every byte', every],
  ['a part of something larger', every.subarray(100, 140)],
  ['as much as fits', new Uint8Array(8192).fill(0xe9)],
  ['more than fits', new Uint8Array(8193).fill(0xe9)],
])('%s is given byte by byte', (_name, bytes) => {
  expect(storedBytes(bytes)).toBe(fromBytes(bytes))
})

test('what was given stays when more is read', () => {
  const first = storedBytes(Uint8Array.of(1, 2, 3))
  storedBytes(every)
  expect(first).toBe('\x01\x02\x03' as typeof first)
})
