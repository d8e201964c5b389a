import { describe, expect, test } from 'bun:test'

import type { InboundSet, KeptContent, SetHeader } from '../../../src/core/apply/inbound.ts'
import { markBelow } from '../../../src/core/apply/kept-marks.ts'
import {
  PARTIAL_AGE_MAX_MS,
  PARTIAL_BYTES_MIN,
  PARTIAL_FILES_MAX,
} from '../../../src/core/base/limits.ts'
import { finish } from '../../../src/core/base/working.ts'
import type { Entry } from '../../../src/core/change/entry.ts'
import { hashBytes } from '../../../src/platform/hash.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { at, codeOf, get } from '../../platform/tree.suite.ts'
import { EPOCH, Target, file, gone } from './harness.ts'

const SIZE = PARTIAL_BYTES_MIN + 10
const LARGE = 'large '.repeat(SIZE).slice(0, SIZE)
const HALF = SIZE >> 1

const bytesOf = (content: string) => new TextEncoder().encode(content)

/** Begins a set whose places have been looked at. */
function begin(target: Target, header: SetHeader, entries: readonly Entry[]): InboundSet {
  const set = target.binding.begin(header, entries)
  finish(set.survey())
  return set
}

function headerTo(to: number): SetHeader {
  return { epoch: EPOCH, kind: 'full', from: 0, to, last: true, jobTo: to }
}

/** Begins a set and loses the sender in the middle of the first file that is wanted. */
function breakOff(target: Target, entries: readonly Entry[], content = LARGE): void {
  const set = target.binding.begin(headerTo(100), entries)
  for (const seq of finish(set.survey())) set.openFile(seq).write(bytesOf(content.slice(0, HALF)))
  set.discard()
}

function kept(target: Target, epoch = EPOCH): KeptContent[] {
  const own = finish(target.binding.kept(epoch))
  return own.map(({ seq, bytes, hash }) => ({ seq, bytes, hash }))
}

function staging(target: Target): number {
  return (target.tree.list(at('.cd-staging/b')) ?? []).length
}

const HELD: KeptContent = {
  seq: 3,
  bytes: HALF,
  hash: hashBytes(bytesOf(LARGE.slice(0, HALF))),
}

describe('a large file that was broken off', () => {
  test('is offered, goes on, and leaves nothing behind', () => {
    for (const restarts of [false, true]) {
      const target = new Target()
      const large = file(3, 'large', LARGE)
      breakOff(target, [large])
      if (restarts) target.restart()
      expect(target.tree.lstat(at('large'))).toBeNull()
      expect(kept(target)).toEqual([HELD])
      const set = begin(target, headerTo(3), [large])
      const rest = set.openFile(3, HALF)
      rest.write(bytesOf(LARGE.slice(HALF)))
      expect(rest.finish()).toBe(hashBytes(bytesOf(LARGE)))
      expect(finish(set.apply(new Map(), new Set(), new Map())).failed).toEqual([])
      expect(get(target.tree, at('large'))).toBe(LARGE)
      expect(target.tree.lstat(at('large'))?.mode).toBe(0o644)
      expect(target.tree.list(at(''))).not.toContain(at('.cd-staging'))
    }
  })

  test('goes on from a mark too, where others have less of it, and from nowhere else', () => {
    const content = 'huge '.repeat(800_000)
    const bytes = bytesOf(content)
    const held = 3_000_000
    const mark = markBelow(held)
    for (const from of [mark, markBelow(mark - 1)]) {
      const target = new Target()
      const huge = file(3, 'huge', content)
      const first = begin(target, headerTo(3), [huge])
      first.openFile(3).write(bytes.subarray(0, held))
      first.discard()
      const [own] = finish(target.binding.kept(EPOCH))
      expect(own?.hashAt(from)).toBe(hashBytes(bytes.subarray(0, from)))
      expect(own?.hashAt(from + 1)).toBeNull()
      const set = begin(target, headerTo(3), [huge])
      expect(codeOf(() => set.openFile(3, from + 1))).toBe('PROTOCOL')
      set.discard()
      expect(finish(target.binding.kept(EPOCH))).toHaveLength(1)
      const next = begin(target, headerTo(3), [huge])
      const rest = next.openFile(3, from)
      rest.write(bytes.subarray(from))
      expect(rest.finish()).toBe(hashBytes(bytes))
      finish(next.apply(new Map(), new Set(), new Map()))
      expect(get(target.tree, at('huge'))).toBe(content)
    }
  })

  test('that was whole already is offered whole, whatever its mode', () => {
    const target = new Target()
    const large = file(3, 'large', LARGE, { mode: 0o400 })
    const first = begin(target, headerTo(3), [large])
    const whole = first.openFile(3)
    whole.write(bytesOf(LARGE))
    whole.finish()
    first.discard()
    expect(kept(target)).toMatchObject([{ seq: 3, bytes: SIZE }])
    const second = begin(target, headerTo(3), [large])
    second.openFile(3, SIZE).finish()
    expect(finish(second.apply(new Map(), new Set(), new Map())).failed).toEqual([])
    expect(target.tree.lstat(at('large'))?.mode).toBe(0o400)
    expect(get(target.tree, at('large'))).toBe(LARGE)
  })

  test('may begin anew all the same', () => {
    const target = new Target()
    breakOff(target, [file(3, 'large', LARGE)], 'other '.repeat(SIZE))
    kept(target)
    target.deliver([file(3, 'large', LARGE)])
    expect(target.look()).toEqual([`large ${LARGE}`])
  })

  test('does not go on from where it is not', () => {
    const large = file(3, 'large', LARGE)
    const cases: readonly ((target: Target) => Entry)[] = [
      () => file(4, 'large', LARGE),
      () => file(3, 'other', LARGE),
      () => file(3, 'large', LARGE, { mtimeNs: 1n }),
      (target) => {
        const [name = ''] = target.tree.list(at('.cd-staging/b')) ?? []
        if (target.tree instanceof MemoryTree)
          target.tree.overwrite(at(`.cd-staging/b/${name}`), bytesOf(LARGE.slice(0, HALF)))
        return large
      },
    ]
    for (const make of cases) {
      const target = new Target()
      breakOff(target, [large])
      kept(target)
      const entry = make(target)
      const set = begin(target, headerTo(4), [entry])
      expect(codeOf(() => set.openFile(entry.seq, HALF))).toBe('PROTOCOL')
    }
  })

  test('is nothing to another epoch', () => {
    const target = new Target()
    breakOff(target, [file(3, 'large', LARGE)])
    expect(kept(target, 'epoch-2')).toEqual([])
    target.deliver([file(3, 'small', 'x')], { epoch: 'epoch-2' })
    expect(target.look()).toEqual(['small x'])
  })

  test('stays while earlier sets are applied, and goes when its entry is passed', () => {
    const target = new Target()
    breakOff(target, [file(3, 'large', LARGE)])
    target.deliver([file(1, 'a', 'a')], { to: 1, last: false })
    target.deliver([], { from: 1, to: 2, last: false })
    expect(kept(target)).toEqual([HELD])
    expect(staging(target)).toBe(1)
    target.deliver([gone(4, 'large')], { from: 2, to: 4 })
    expect(kept(target)).toEqual([])
    expect(target.look()).toEqual(['a a'])
  })

  test('goes when the set that passes it has nothing else to do', () => {
    const target = new Target()
    target.deliver([file(1, 'a', 'a')])
    const header = {
      epoch: EPOCH,
      kind: 'incremental',
      from: 1,
      to: 9,
      last: true,
      jobTo: 9,
    } as const
    const set = begin(target, header, [file(3, 'large', LARGE)])
    set.openFile(3).write(bytesOf(LARGE.slice(0, HALF)))
    set.discard()
    target.deliver([], { to: 9 })
    expect(target.look()).toEqual(['a a'])
  })
})

describe('what is kept is bounded', () => {
  test('small files are not kept', () => {
    const target = new Target()
    breakOff(target, [file(3, 'small', LARGE.slice(0, PARTIAL_BYTES_MIN - 1))])
    expect(target.look()).toEqual([])
  })

  test('in age', () => {
    const tree = new MemoryTree()
    const target = new Target({}, tree)
    target.nowMs = Number(tree.disk.nowNs() / 1_000_000n)
    breakOff(target, [file(3, 'large', LARGE)])
    target.nowMs += PARTIAL_AGE_MAX_MS - 60_000
    target.restart()
    expect(staging(target)).toBe(1)
    target.nowMs += 120_000
    target.restart()
    expect(target.look()).toEqual([])
  })

  test('in number, the newest first', () => {
    const target = new Target()
    const entries = Array.from({ length: PARTIAL_FILES_MAX + 3 }, (_, index) =>
      file(index + 1, `large-${index}`, LARGE),
    )
    breakOff(target, entries)
    const seqs = kept(target).map(({ seq }) => seq)
    expect(seqs).toHaveLength(PARTIAL_FILES_MAX)
    expect(seqs.toSorted((one, other) => one - other)[0]).toBe(4)
  })

  test('by the space that must stay free', () => {
    const target = new Target({ minFreePercent: 10 })
    breakOff(target, [file(3, 'large', LARGE)])
    target.space = { freeBytes: 9, totalBytes: 100 }
    target.restart()
    expect(target.look()).toEqual([])
  })

  test('and only what is named like that', () => {
    const target = new Target()
    target.tree.makeDirectory(at('.cd-staging'), 0o700)
    target.tree.makeDirectory(at('.cd-staging/b'), 0o700)
    for (const name of ['p', 'pq', `p${'0'.repeat(16)}-x`, 'n7'])
      target.tree.create(at(`.cd-staging/b/${name}`)).write(bytesOf('x'))
    target.tree.makeDirectory(at(`.cd-staging/b/p${'0'.repeat(16)}-1-${'0'.repeat(32)}`), 0o700)
    target.restart()
    expect(target.look()).toEqual([])
  })
})

test('a rest for which there is no room fails alone', () => {
  const target = new Target({ minFreePercent: 1 })
  const large = file(3, 'large', LARGE)
  breakOff(target, [large])
  kept(target)
  target.space = { freeBytes: SIZE - HALF, totalBytes: 100 }
  const set = begin(target, headerTo(3), [large])
  const rest = set.openFile(3, HALF)
  rest.write(bytesOf(LARGE.slice(HALF)))
  expect(rest.finish()).toBe(hashBytes(bytesOf(LARGE)))
  expect(finish(set.apply(new Map(), new Set(), new Map())).failed).toMatchObject([
    { code: 'NO_SPACE' },
  ])
  expect(target.look()).toEqual([])
})
