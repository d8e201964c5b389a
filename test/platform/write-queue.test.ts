import { expect, test } from 'bun:test'

import { WriteQueue } from '../../src/platform/write-queue.ts'
import { random } from '../fakes/random.ts'

/** Takes at most so many bytes a call. */
function sink(takes: () => number) {
  const taken: Uint8Array[] = []
  const write = (bytes: Uint8Array, offset: number, length: number) => {
    const count = Math.min(length, takes())
    if (count > 0) taken.push(bytes.slice(offset, offset + count))
    return count
  }
  return { write, taken }
}

test('every byte leaves once and in order, however little is taken at a time', () => {
  const next = random(5)
  for (let round = 0; round < 50; round++) {
    const queue = new WriteQueue()
    const frames = Array.from({ length: next(40) }, (_, index) =>
      new Uint8Array(next(4) === 0 ? next(300_000) : next(500)).fill(index),
    )
    const { write, taken } = sink(() => [-1, 0, 1, 1000, 100_000][next(5)] ?? 0)
    let flushed = 0
    for (const frame of frames) {
      queue.push(frame)
      flushed += queue.flush({ write })
    }
    while (queue.queuedBytes > 0) flushed += queue.flush({ write })
    const all = Buffer.concat(frames)
    expect(Buffer.concat(taken).equals(all)).toBe(true)
    expect(flushed).toBe(all.length)
  }
})

test('small frames leave in one call, large ones as they are', () => {
  const queue = new WriteQueue()
  for (let index = 0; index < 100; index++) queue.push(new Uint8Array(100))
  queue.push(new Uint8Array(100_000))
  queue.push(new Uint8Array(1))
  const { write, taken } = sink(() => Infinity)
  queue.flush({ write })
  expect(taken.map((bytes) => bytes.length)).toEqual([10_000, 100_000, 1])
})

test('what was lent is held until its last byte has left', () => {
  const queue = new WriteQueue()
  queue.push(new Uint8Array(5))
  queue.lend(new Uint8Array(10))
  queue.push(new Uint8Array(3))
  const held: boolean[] = []
  for (const takes of [5, 9, 1, 3]) {
    held.push(queue.isLent)
    let left = takes
    queue.flush({
      write: (_bytes, _offset, length) => {
        const taken = Math.min(left, length)
        left -= taken
        return taken
      },
    })
  }
  expect([held, queue.isLent, queue.queuedBytes]).toEqual([[true, true, true, false], false, 0])
  queue.lend(new Uint8Array(1))
  queue.clear()
  expect([queue.isLent, queue.queuedBytes]).toEqual([false, 0])
})

test('what was lent and is kept may change, wherever it stands in the queue', () => {
  const next = random(6)
  for (let round = 0; round < 50; round++) {
    const queue = new WriteQueue()
    const { write, taken } = sink(() => [-1, 0, 1, 1000, 100_000][next(5)] ?? 0)
    const frames: Uint8Array[] = []
    for (let index = 0; index < 20; index++) {
      const frame = new Uint8Array(next(2) === 0 ? next(300_000) : next(500)).fill(index)
      frames.push(frame.slice())
      queue.lend(frame)
      if (next(2) === 0) queue.flush({ write })
      queue.keep()
      expect(queue.isLent).toBe(false)
      frame.fill(255)
    }
    while (queue.queuedBytes > 0) queue.flush({ write })
    expect(Buffer.concat(taken).equals(Buffer.concat(frames))).toBe(true)
  }
})

test('what is cleared never leaves', () => {
  const queue = new WriteQueue()
  queue.push(new Uint8Array(10))
  queue.flush(sink(() => 3))
  queue.clear()
  const { write, taken } = sink(() => Infinity)
  queue.push(new Uint8Array([7]))
  queue.flush({ write })
  expect(taken).toEqual([new Uint8Array([7])])
})
