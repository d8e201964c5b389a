import { expect, test } from 'bun:test'

import { Slots } from '../../../src/cas/sync-client/slots.ts'

test('no more go at once than there are slots, in order, and a failure gives its slot back', async () => {
  const slots = new Slots(2)
  let active = 0
  let most = 0
  const started: number[] = []
  const work = (index: number) => async () => {
    started.push(index)
    most = Math.max(most, ++active)
    await Bun.sleep(1)
    active--
    if (index % 3 === 0) throw new Error(`work ${index}`)
    return index
  }
  const ends = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((index) => slots.use(work(index))))
  expect(most).toBe(2)
  expect(started).toEqual([0, 1, 2, 3, 4, 5])
  expect(ends.map(({ status }) => status === 'fulfilled')).toEqual([
    false,
    true,
    true,
    false,
    true,
    true,
  ])
})
