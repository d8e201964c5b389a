import { afterEach, expect, test } from 'bun:test'

import { Lease } from '../../../src/cas/agent/lease.ts'
import { iso } from '../../../src/platform/clock.ts'
import { waitFor } from '../../fakes/wait-for.ts'

let nowMs = 1_000_000
let expired = 0
const clock = { nowMs: () => nowMs, sleep: () => Promise.resolve() }
const leases: Lease[] = []
afterEach(() => {
  for (const lease of leases.splice(0)) lease.stop()
})

function make(): Lease {
  nowMs = 1_000_000
  expired = 0
  const lease = new Lease(clock, () => expired++)
  leases.push(lease)
  return lease
}

test('before the first word of a master nothing is allowed', () => {
  expect(make().holds()).toBe(false)
})

test('holds until its time, and not at it', () => {
  const lease = make()
  lease.renew(iso(nowMs + 1000))
  expect(lease.holds()).toBe(true)
  nowMs += 1000
  expect(lease.holds()).toBe(false)
})

test('a lease that is taken away ends at once, and only once', () => {
  const lease = make()
  lease.renew(iso(nowMs + 1000))
  lease.renew(null)
  lease.renew(null)
  expect({ holds: lease.holds(), expired }).toEqual({ holds: false, expired: 1 })
})

test('a lease that runs out is told when it does', async () => {
  const lease = make()
  lease.renew(iso(nowMs + 20))
  nowMs += 20
  await waitFor('the end', () => expired === 1)
})

test('a renewed lease does not end with the old one', async () => {
  const lease = make()
  lease.renew(iso(nowMs + 10))
  lease.renew(iso(nowMs + 40))
  nowMs += 20
  expect(lease.holds()).toBe(true)
  nowMs += 20
  await waitFor('the end', () => expired > 0)
  expect(expired).toBe(1)
})

test('a lease beyond what a timer holds does not end at once', () => {
  const lease = make()
  lease.renew(iso(nowMs + 1e12))
  expect({ holds: lease.holds(), expired }).toEqual({ holds: true, expired: 0 })
})
