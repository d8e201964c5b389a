import { expect, test } from 'bun:test'

import { SMALL_FILE_BYTES_MAX } from '../../../src/core/base/limits.ts'
import { finish } from '../../../src/core/base/working.ts'
import { hashBytes } from '../../../src/platform/hash.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { random } from '../../fakes/random.ts'
import { at, get } from '../../platform/tree.suite.ts'
import { EPOCH, Target, file } from './harness.ts'

const BLOCK = 4096
const next = random(17)

/** Blocks of one letter each, or of zeros. */
function blocks(count: number): string {
  const letters = Array.from({ length: count }, () => '\0\0abc'[next(5)] ?? 'a')
  return letters.map((letter) => letter.repeat(BLOCK)).join('')
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

interface Part {
  readonly text: string
  /** Where it lies in the older version; null where it is new. */
  readonly from: number | null
}

/** A newer version, put together of stretches of an older one, at their places or others, and of something new. */
function newer(old: string): Part[] {
  const parts: Part[] = []
  let end = 0
  while (end <= SMALL_FILE_BYTES_MAX || next(4) > 0) {
    const length = 1 + next(5 * BLOCK)
    const from = next(2) === 0 ? end : next(old.length)
    const isCopied = next(3) > 0 && from + length <= old.length
    const text = isCopied ? old.slice(from, from + length) : blocks(2).slice(0, length)
    parts.push({ text, from: isCopied ? from : null })
    end += text.length
  }
  return parts
}

test.each([true, false])(
  'a file that is built from another is what was sent (shared: %p)',
  (canShare) => {
    for (let round = 0; round < 40; round++) {
      const tree = new MemoryTree()
      tree.canShare = canShare
      const target = new Target({}, tree)
      const old = blocks(17 + next(8))
      target.deliver([file(1, 'large', old)])
      const parts = newer(old)
      const text = parts.map((part) => part.text).join('')
      const header = {
        epoch: EPOCH,
        kind: 'incremental',
        from: 1,
        to: 2,
        last: true,
        jobTo: 2,
      } as const
      const set = target.binding.begin(header, [file(2, 'large', text)])
      expect(finish(set.survey())).toEqual([2])
      const base = set.openBase(2)
      if (base === null) throw new Error('there is no base')
      const content = set.openFile(2)
      content.beginWith(base)
      for (const { text: part, from } of parts) {
        if (from === null) content.write(bytesOf(part))
        else content.copy(bytesOf(part), from)
      }
      expect(content.finish()).toBe(hashBytes(bytesOf(text)))
      base.close()
      expect(finish(set.apply(new Map(), new Set(), new Map())).failed).toEqual([])
      expect(get(tree, at('large')) === text).toBe(true)
    }
  },
)
