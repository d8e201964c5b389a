import { expect, test } from 'bun:test'

import { SpareBuffers } from '../../../src/cas/sync-server/spare-buffers.ts'

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)

test('a copy is its own, and its memory is used again once it was given back', () => {
  const buffers = new SpareBuffers(1 << 20)
  const original = bytes(1000, 1)
  const first = buffers.copy(original)
  original.fill(9)
  expect(first).toEqual(bytes(1000, 1))
  const second = buffers.copy(bytes(2000, 2))
  expect(second.buffer).not.toBe(first.buffer)
  buffers.giveBack(first)
  const third = buffers.copy(bytes(3000, 3))
  expect(third.buffer).toBe(first.buffer)
  expect(third).toEqual(bytes(3000, 3))
  expect(second).toEqual(bytes(2000, 2))
})

test('what is too small is left for others', () => {
  const buffers = new SpareBuffers(4 << 20)
  const small = buffers.copy(bytes(10, 1))
  buffers.giveBack(small)
  const large = buffers.copy(bytes(1 << 20, 2))
  expect(large).toEqual(bytes(1 << 20, 2))
  expect(buffers.copy(bytes(20, 3)).buffer).toBe(small.buffer)
})

test('no more than the bound is kept', () => {
  const buffers = new SpareBuffers(1 << 20)
  const copies = [1, 2, 3].map((value) => buffers.copy(bytes(700_000, value)))
  for (const copy of copies) buffers.giveBack(copy)
  const again = [1, 2].map((value) => buffers.copy(bytes(700_000, value)).buffer)
  expect(again[0]).toBe(copies[0]?.buffer as ArrayBuffer)
  expect(copies.map(({ buffer }) => buffer)).not.toContain(again[1])
})
