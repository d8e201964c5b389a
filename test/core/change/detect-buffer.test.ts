import { describe, expect, test } from 'bun:test'

import { commonFolder } from '../../../src/core/change/common-folder.ts'
import { DetectBuffer, type Probe } from '../../../src/core/change/detect-buffer.ts'
import type { HintKind } from '../../../src/core/change/hint.ts'
import type { RelPath } from '../../../src/core/path/rel-path.ts'

const path = (text: string) => text as RelPath
const OPTIONS = { restMs: 50, holdMaxMs: 1000, racyMs: 20, pathsMax: 100 }
const buffer = (options: Partial<typeof OPTIONS> = {}) =>
  new DetectBuffer({ ...OPTIONS, ...options })
const hint = (at: string, kind: HintKind, isDirectory: boolean | null = false) => ({
  path: path(at),
  kind,
  cookie: null,
  isDirectory,
})
const file = (size: number, linkCount = 1): Probe => ({
  type: 'file',
  size,
  mtimeNs: BigInt(size),
  linkCount,
})
const link: Probe = { type: 'symlink', size: 0, mtimeNs: 0n, linkCount: 1 }

describe('what goes at once', () => {
  const cases: readonly [kind: HintKind, isDirectory: boolean | null, deep: boolean][] = [
    ['closed', false, false],
    ['movedFrom', false, false],
    ['movedFrom', true, false],
    ['movedTo', false, false],
    ['movedTo', true, true],
    ['movedTo', null, true],
    ['removed', false, false],
    ['removed', true, false],
    ['attributes', false, false],
    ['attributes', true, false],
    ['created', true, true],
    ['changed', true, false],
  ]
  test.each(cases)('%s, folder: %p', (kind, isDirectory, deep) => {
    const held = buffer()
    held.add(hint('a', kind, isDirectory), 0)
    expect(held.nextDueMs()).toBe(Number.NEGATIVE_INFINITY)
    expect(held.takeDue(0)).toEqual({
      looks: [{ path: path('a'), deep, cause: 'hint' }],
      probes: [],
    })
    expect(held.nextDueMs()).toBeNull()
  })
})

describe('a file in the making', () => {
  test.each(['created', 'changed'] as const)('%s: probed at once, then rests', (kind) => {
    const held = buffer()
    held.add(hint('a', kind), 0)
    expect(held.takeDue(0)).toEqual({ looks: [], probes: [path('a')] })
    held.probed(path('a'), file(1), 0)
    expect(held.nextDueMs()).toBe(50)
    expect(held.takeDue(49)).toEqual({ looks: [], probes: [] })
    expect(held.takeDue(50).probes).toEqual([path('a')])
    held.probed(path('a'), file(1), 50)
    expect(held.takeDue(50).looks).toEqual([{ path: path('a'), deep: true, cause: 'hint' }])
    expect(held.size).toBe(0)
  })

  test('goes on resting while it grows, but not for ever', () => {
    const held = buffer()
    held.add(hint('a', 'created'), 0)
    let nowMs = 0
    let size = 0
    for (; held.takeDue(nowMs).looks.length === 0; nowMs += 50) {
      held.probed(path('a'), file(size++), nowMs)
    }
    expect(nowMs).toBe(1050)
  })

  test('goes on resting while hints come, but not for ever', () => {
    const held = buffer()
    held.add(hint('a', 'changed'), 0)
    held.probed(path('a'), file(1), 0)
    let nowMs = 0
    for (; held.takeDue(nowMs).looks.length === 0; nowMs += 40)
      held.add(hint('a', 'changed'), nowMs)
    expect(nowMs).toBe(1040)
  })

  test('goes on resting while a writer has it open, but not for ever', () => {
    const held = buffer()
    held.add(hint('a', 'created'), 0)
    let isBeingWritten = true
    const rests = (nowMs: number) => {
      held.takeDue(nowMs)
      held.probed(path('a'), { ...file(1), isBeingWritten: () => isBeingWritten } as Probe, nowMs)
      return held.takeDue(nowMs).looks.length === 0
    }
    for (let nowMs = 0; nowMs < 1000; nowMs += 50) expect(rests(nowMs)).toBe(true)
    expect(rests(1000)).toBe(false)

    held.add(hint('a', 'changed'), 2000)
    expect([rests(2000), rests(2050)]).toEqual([true, true])
    isBeingWritten = false
    expect(rests(2100)).toBe(false)
  })

  test('is not asked about before it rests, for that is what costs', () => {
    const held = buffer()
    let asked = 0
    held.add(hint('a', 'created'), 0)
    for (const [nowMs, size] of [
      [0, 1],
      [50, 2],
      [100, 3],
    ] as const) {
      held.takeDue(nowMs)
      const probe = { ...file(size), isBeingWritten: () => ++asked > 0 } as Probe
      held.probed(path('a'), probe, nowMs)
    }
    expect(asked).toBe(0)
  })

  test('goes at once when it is closed, moved or removed', () => {
    for (const kind of ['closed', 'movedFrom', 'removed'] as const) {
      const held = buffer()
      held.add(hint('a', 'created'), 0)
      held.probed(path('a'), file(1), 0)
      held.add(hint('a', kind), 10)
      expect(held.takeDue(10)).toEqual({
        looks: [{ path: path('a'), deep: false, cause: 'hint' }],
        probes: [],
      })
      expect(held.size).toBe(0)
    }
  })

  test('is not looked at early because its mode is set', () => {
    const held = buffer()
    held.add(hint('a', 'created'), 0)
    held.probed(path('a'), file(1), 0)
    held.add(hint('a', 'attributes'), 10)
    expect(held.takeDue(10)).toEqual({ looks: [], probes: [] })
  })

  test.each([
    ['a symbolic link', link],
    ['a second name of a file', file(1, 2)],
    ['what is gone', null],
  ])('%s does not wait', (_name, probe) => {
    const held = buffer()
    held.add(hint('a', 'created'), 0)
    held.probed(path('a'), probe, 0)
    expect(held.takeDue(0).looks).toEqual([{ path: path('a'), deep: true, cause: 'hint' }])
  })

  test('a probe of what was closed meanwhile changes nothing', () => {
    const held = buffer()
    held.add(hint('a', 'created'), 0)
    held.takeDue(0)
    held.add(hint('a', 'closed'), 0)
    held.probed(path('a'), file(1), 0)
    expect(held.takeDue(0)).toEqual({
      looks: [{ path: path('a'), deep: false, cause: 'hint' }],
      probes: [],
    })
  })
})

test('a racy row is looked at once more', () => {
  const held = buffer()
  held.addRacy(path('a'), 0)
  held.addRacy(path('a'), 15)
  expect(held.nextDueMs()).toBe(20)
  expect(held.takeDue(20).looks).toEqual([{ path: path('a'), deep: false, cause: 'again' }])
  expect(held.size).toBe(0)
})

test('a hint outweighs the second look at a racy row', () => {
  const held = buffer()
  held.addRacy(path('a'), 0)
  held.add(hint('a', 'closed'), 20)
  expect(held.takeDue(20).looks).toEqual([{ path: path('a'), deep: false, cause: 'hint' }])
})

test('a path told of many times is looked at once, deep if any of them was', () => {
  const held = buffer()
  held.add(hint('a', 'movedTo', true), 0)
  for (let count = 0; count < 10; count++) held.add(hint('a', 'closed'), 0)
  expect(held.takeDue(0).looks).toEqual([{ path: path('a'), deep: true, cause: 'hint' }])
})

test('a flush releases everything', () => {
  const held = buffer()
  held.add(hint('a', 'created'), 0)
  held.add(hint('b', 'changed'), 0)
  held.probed(path('b'), file(1), 0)
  held.addRacy(path('c'), 0)
  held.release()
  const { looks, probes } = held.takeDue(0)
  expect(looks.map((look) => look.path).sort()).toEqual(['a', 'b', 'c'].map(path))
  expect(probes).toEqual([])
  expect(held.size).toBe(0)
})

test('the next due time is the earliest of all', () => {
  const held = buffer()
  held.add(hint('a', 'created'), 0)
  held.probed(path('a'), file(1), 0)
  held.addRacy(path('b'), 10)
  expect(held.nextDueMs()).toBe(30)
  held.takeDue(30)
  expect(held.nextDueMs()).toBe(50)
})

test('past its bound the buffer gives everything up for a rescan of the common folder', () => {
  const held = buffer({ pathsMax: 3 })
  held.add(hint('x/a/1', 'closed'), 0)
  held.add(hint('x/a/2', 'created'), 0)
  held.addRacy(path('x/b'), 0)
  expect(held.takeOverflow()).toBeNull()
  held.add(hint('x/a/3', 'closed'), 0)
  expect(held.size).toBe(1)
  expect(held.takeOverflow()).toBe(path('x'))
  expect(held.takeOverflow()).toBeNull()
})

test.each([
  ['a', 'a', 'a'],
  ['a/b', 'a/c', 'a'],
  ['a/b', 'a', 'a'],
  ['a', 'a/b', 'a'],
  ['ab', 'a', ''],
  ['a/b/c', 'x', ''],
  ['', 'x', ''],
])('the common folder of %p and %p is %p', (left, right, expected) => {
  expect(commonFolder(path(left), path(right))).toBe(path(expected))
})
