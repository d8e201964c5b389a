import { expect, test } from 'bun:test'

import { SparseContent } from '../../../src/core/apply/sparse-content.ts'
import type { WriteHandle } from '../../../src/core/apply/target-tree.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { random } from '../../fakes/random.ts'
import { at } from '../../platform/tree.suite.ts'

const BLOCK = 4096
const next = random(23)

/** A file that counts where its holes are. */
function target() {
  const handle = new MemoryTree().create(at('file'))
  const written: number[] = []
  const holes: number[] = []
  let end = 0
  const counted: WriteHandle = {
    ...handle,
    write: (bytes) => {
      written.push(...bytes)
      end += bytes.length
    },
    skip: (bytes) => {
      for (let each = 0; each < bytes; each++) written.push(0)
      for (let block = 0; block < bytes; block += BLOCK) holes.push(end + block)
      end += bytes
    },
  }
  return { handle: counted, written, holes }
}

/** Where whole blocks of the content are zeros. */
function zeroBlocks(content: Uint8Array, from: number): number[] {
  const found: number[] = []
  for (let start = 0; start + BLOCK <= content.length; start += BLOCK)
    if (start >= from && !content.subarray(start, start + BLOCK).some(Boolean)) found.push(start)
  return found
}

test('wherever content is cut, its holes are the same', () => {
  for (let round = 0; round < 300; round++) {
    const content = new Uint8Array(next(6 * BLOCK))
    for (let marks = next(5); marks > 0; marks--) content[next(content.length)] = 1
    const { handle, written, holes } = target()
    const holesFrom = next(2) * next(3 * BLOCK)
    const sparse = new SparseContent(holesFrom)
    for (let start = 0; start < content.length;) {
      const end = Math.min(content.length, start + 1 + next(next(2) === 0 ? 50 : 2 * BLOCK))
      sparse.write(handle, content.subarray(start, end), start)
      start = end
    }
    sparse.flush(handle)
    expect(Buffer.from(written).equals(content)).toBe(true)
    expect(holes).toEqual(zeroBlocks(content, holesFrom))
  }
})

test('what is held is written before what comes from elsewhere', () => {
  const { handle, written } = target()
  const sparse = new SparseContent(0)
  sparse.write(handle, new Uint8Array(100), 0)
  sparse.flush(handle)
  sparse.write(handle, new Uint8Array([7]), 100)
  sparse.flush(handle)
  expect(written).toEqual([...new Uint8Array(100), 7])
})
