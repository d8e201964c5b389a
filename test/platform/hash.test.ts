import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'

import { createHasher, hashBytes } from '../../src/platform/hash.ts'

test('a hash in parts equals the hash of the whole, and SHA-256', () => {
  const bytes = Buffer.from('content'.repeat(1000))
  const hasher = createHasher()
  hasher.update(bytes.subarray(0, 10))
  hasher.update(new Uint8Array(0))
  hasher.update(bytes.subarray(10))
  const expected = createHash('sha256').update(bytes).digest('hex')
  expect(String(hasher.digest())).toBe(expected)
  expect(String(hashBytes(bytes))).toBe(expected)
})
