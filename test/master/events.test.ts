import { expect, test } from 'bun:test'

import { EventBus, type MasterEvent } from '../../src/master/events.ts'
import type { Clock } from '../../src/platform/clock.ts'

function makeBus() {
  let nowMs = 1_000_000
  const clock: Clock = { nowMs: () => nowMs, sleep: async () => {} }
  const bus = new EventBus(clock)
  const seen: MasterEvent[] = []
  const end = bus.subscribe((event) => seen.push(event))
  const publish = (objectId: string) => bus.publish({ type: 'job', objectId, data: {} })
  return { bus, seen, end, publish, pass: (ms: number) => (nowMs += ms) }
}

test('a reader goes on where it was cut off', () => {
  const { bus, seen, publish } = makeBus()
  for (const id of ['a', 'b', 'c']) publish(id)
  const since = (index: number) => bus.since(seen[index]?.id ?? '')?.map((event) => event.objectId)
  expect(since(0)).toEqual(['b', 'c'])
  expect(since(2)).toEqual([])
})

test('ids of another run, of the future, and rubbish mean to start anew', () => {
  const { bus, seen, publish } = makeBus()
  publish('a')
  const other = makeBus()
  other.publish('x')
  const [run] = (seen[0]?.id ?? '').split('-')
  for (const id of [other.seen[0]?.id ?? '', `${run}-2`, `${run}-x`, '', 'x']) {
    expect(bus.since(id)).toBe(null)
  }
})

test('after ten minutes an event is forgotten, with memory bounded meanwhile', () => {
  const { bus, seen, publish, pass } = makeBus()
  publish('old')
  pass(601_000)
  for (let count = 0; count < 30_000; count++) publish('new')
  expect(bus.since(seen[0]?.id ?? '')).toBe(null)
  expect(bus.since(seen[29_000]?.id ?? '')?.length).toBe(1000)
  expect(bus.since(seen[5000]?.id ?? '')).toBe(null)
})

test('who unsubscribed hears nothing more', () => {
  const { seen, end, publish } = makeBus()
  publish('a')
  end()
  publish('b')
  expect(seen.map((event) => event.objectId)).toEqual(['a'])
})
