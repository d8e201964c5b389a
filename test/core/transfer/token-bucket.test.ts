import { expect, test } from 'bun:test'

import { TokenBucket } from '../../../src/core/transfer/token-bucket.ts'

/** Sends as much as may go, asking every `stepMs`; gives the bytes of `forMs`. */
function run(bucket: TokenBucket, options: { from: number; forMs: number; stepMs: number }) {
  let bytes = 0
  for (let at = options.from; at <= options.from + options.forMs; at += options.stepMs) {
    const now = bucket.availableBytes(at)
    bucket.take(now)
    bytes += now
  }
  return bytes
}

test.each([
  [10_000, 1],
  [10_000, 30],
  [1_000_000, 7],
  [125_000_000, 150],
])('%d bytes/s hold within 5 % over 10 s, asked every %d ms', (rate, stepMs) => {
  const bytes = run(new TokenBucket(rate, 0), { from: 0, forMs: 10_000, stepMs })
  expect(bytes).toBeGreaterThan(rate * 10 * 0.95)
  expect(bytes).toBeLessThan(rate * 10 * 1.05)
})

test('what was not sent in a long rest does not come as a burst', () => {
  const bucket = new TokenBucket(1_000_000, 0)
  bucket.take(bucket.availableBytes(0))
  expect(bucket.availableBytes(3_600_000)).toBe(200_000)
})

test('a rate that changes holds from then on', () => {
  const bucket = new TokenBucket(1_000_000, 0)
  run(bucket, { from: 0, forMs: 1000, stepMs: 10 })
  bucket.setRate(100_000, 1000)
  expect(run(bucket, { from: 1000, forMs: 10_000, stepMs: 10 })).toBeLessThan(1_050_000)
  bucket.setRate(10_000_000, 11_000)
  expect(run(bucket, { from: 11_000, forMs: 1000, stepMs: 10 })).toBeGreaterThan(9_000_000)
})

test('a change of the rate gives nothing away', () => {
  const bucket = new TokenBucket(1_000_000, 0)
  bucket.setRate(10_000, 0)
  expect(bucket.availableBytes(0)).toBe(2000)
})

test('the time to wait is when enough may go to be worth it, and never nothing', () => {
  const bucket = new TokenBucket(1_000_000, 0)
  bucket.take(bucket.availableBytes(0))
  const waitMs = bucket.waitMs(0)
  expect(waitMs).toBe(50)
  expect(bucket.availableBytes(waitMs)).toBe(50_000)
  expect(bucket.waitMs(waitMs)).toBe(1)
})

test('time that runs backwards gives nothing', () => {
  const bucket = new TokenBucket(1000, 10_000)
  bucket.take(bucket.availableBytes(10_000))
  expect(bucket.availableBytes(5000)).toBe(0)
  expect(bucket.availableBytes(10_000)).toBe(0)
})
