import { describe, expect, test } from 'bun:test'

import { Gaps } from '../../../src/core/change/gaps.ts'
import type { JournalRow } from '../../../src/core/change/row.ts'
import { scan } from '../../../src/core/change/scan.ts'
import { walk } from '../../../src/core/change/walk.ts'
import type { RelPath } from '../../../src/core/path/rel-path.ts'
import { MemoryJournalStore } from '../../fakes/memory-journal-store.ts'
import { Disk } from './disk.ts'

const path = (text: string) => text as RelPath

/** A store that holds what was on the disk. */
function storeOf(disk: Disk): MemoryJournalStore {
  const store = new MemoryJournalStore()
  let seq = 0
  store.durably(() => {
    for (const [at, state] of disk.files) {
      const row = { path: at, seq: ++seq, operation: 'create', from: null, state } as const
      store.put({ ...row, hash: null, hashTrust: 'unknown', isRacy: false, changedAtMs: 0 })
    }
  })
  return store
}

function steps(disk: Disk, store: MemoryJournalStore, folder = ''): string[] {
  return [...allSteps(disk, store, folder)].map((step) => `${step.kind} ${step.path}`)
}

function allSteps(disk: Disk, store: MemoryJournalStore, folder = '') {
  const rows = (below: RelPath, beyond: RelPath | null, limit: number): JournalRow[] =>
    store.liveBelow({ folder: below, beyond, limit, direction: 'parentsFirst' })
  const isInView = (at: RelPath) => !at.includes('hidden')
  const found = scan(path(folder), { disk, isInView, rows, nowMs: () => disk.nowMs + 60_000 })
  return found.filter((step) => step.kind !== 'same')
}

const tree = () =>
  new Disk()
    .make('a', 'directory')
    .make('a/b', 'directory')
    .make('a/b/c')
    .make('a/d')
    .make('a.txt')
    .make('z')

describe('a scan finds', () => {
  const cases: readonly {
    name: string
    act: (disk: Disk) => void
    folder?: string
    expected: string[]
  }[] = [
    { name: 'nothing where nothing changed', act: () => {}, expected: [] },
    {
      name: 'what is new, parents first',
      act: (disk) => disk.make('m', 'directory').make('m/n').make('a/b/x'),
      expected: ['seen a/b', 'seen a/b/x', 'seen m', 'seen m/n'],
    },
    { name: 'what changed', act: (disk) => disk.write('a/d', 9), expected: ['seen a/d'] },
    {
      name: 'what is gone: only the topmost of a tree',
      act: (disk) => disk.remove('a'),
      expected: ['missing a'],
    },
    {
      name: 'what is gone at either end',
      act: (disk) => disk.remove('z').remove('a/b/c'),
      expected: ['seen a/b', 'missing a/b/c', 'missing z'],
    },
    {
      name: 'a rename, as new and missing',
      act: (disk) => disk.rename('a/b', 'q'),
      expected: ['seen a', 'missing a/b', 'seen q', 'seen q/c'],
    },
    {
      name: 'a file in the place of a folder, and nothing below it',
      act: (disk) => disk.remove('a').make('a'),
      expected: ['seen a'],
    },
    {
      name: 'a folder in the place of a file',
      act: (disk) => disk.remove('z').make('z', 'directory').make('z/y'),
      expected: ['seen z', 'seen z/y'],
    },
    {
      name: 'what left the view, as missing',
      act: (disk) => disk.rename('a/b', 'a/hidden'),
      expected: ['seen a', 'missing a/b'],
    },
    {
      name: 'a folder that cannot be listed, and leaves its rows alone',
      act: (disk) => disk.unreadable.add('a/b'),
      expected: ['unreadable a/b'],
    },
    {
      name: 'a folder that vanishes while it is gone through',
      act: (disk) => {
        const { list } = disk
        Object.assign(disk, { list: (at: RelPath) => (at === 'a' ? null : list(at)) })
      },
      expected: ['missing a/b', 'missing a/d'],
    },
    {
      name: 'only what lies below the folder it is of',
      act: (disk) => disk.remove('z').write('a/b/c', 5).write('a/d', 5),
      folder: 'a/b',
      expected: ['seen a/b/c'],
    },
  ]
  test.each(cases)('$name', ({ act, folder, expected }) => {
    const disk = tree()
    const store = storeOf(disk)
    disk.nowMs += 60_000
    act(disk)
    expect(steps(disk, store, folder)).toEqual(expected)
  })

  test('the same in pages', () => {
    const disk = new Disk()
    for (let index = 0; index < 2500; index++) disk.make(`${index}`)
    const store = storeOf(disk)
    expect(steps(disk, store)).toEqual([])
    disk.remove('1200').remove('2499')
    expect(steps(disk, store)).toEqual(['missing 1200', 'missing 2499'])
  })
})

describe('attributes', () => {
  const none = { xattrs: [], acls: { access: null, inherited: null } }
  const both = { xattrs: true, acls: true }
  const attributed = (): Disk => {
    const disk = new Disk().make('a').make('d', 'directory')
    for (const at of disk.files.keys()) disk.change(at, { attributes: none })
    return disk
  }
  /** A scan looks at paths without their attributes. */
  const bare = (disk: Disk): Disk => {
    for (const [at, { attributes: _attributes, ...state }] of disk.files) disk.files.set(at, state)
    return disk
  }

  test('of what looks the same are not read', () => {
    const disk = attributed()
    disk.kinds = both
    const store = storeOf(disk)
    expect(steps(bare(disk), store)).toEqual([])
    disk.change('d', { ctimeNs: 7n })
    expect(steps(disk, store)).toEqual(['seen d'])
  })

  test('of other kinds than the journal has are read of everything', () => {
    const disk = attributed()
    const store = storeOf(disk)
    for (const kinds of [null, { xattrs: true, acls: false }]) {
      disk.kinds = kinds
      expect(steps(bare(disk), store)).toEqual(['seen a', 'seen d'])
    }
    const without = new Disk().make('a')
    without.kinds = both
    expect(steps(without, storeOf(without))).toEqual(['seen a'])
  })
})

describe('what changes while a scan rests at a row of which it met nothing', () => {
  /** The tree lacks `a`, at whose row the scan rests, on its way to `a.txt`. */
  const changed = (act: (disk: Disk) => void) => {
    const disk = tree()
    const store = storeOf(disk)
    disk.remove('a')
    const found: string[] = []
    for (const step of allSteps(disk, store)) {
      const size = step.kind === 'seen' && step.state.type === 'file' ? ` ${step.state.size}` : ''
      found.push(`${step.kind} ${step.path}${size}`)
      if (step.path === 'a') act(disk)
    }
    return found
  }

  test.each<[string, (disk: Disk) => void, string[]]>([
    ['is seen as it is then', (disk) => disk.write('a.txt', 9), ['seen a.txt 9']],
    ['is missing where it is gone', (disk) => disk.remove('a.txt'), ['missing a.txt']],
    [
      'is gone through where it has become a folder',
      (disk) => disk.remove('a.txt').make('a.txt', 'directory').make('a.txt/x'),
      ['seen a.txt', 'seen a.txt/x 1'],
    ],
  ])('%s', (_what, act, expected) => {
    expect(changed(act)).toEqual(['missing a', ...expected])
  })
})

test('a walk rests after each path, those out of view too', () => {
  const disk = new Disk()
  for (let index = 0; index < 50; index++) disk.make(`f${index}`)
  disk.make('d', 'directory').make('d/inside')
  const met = [...walk(path(''), { disk, isInView: () => false })]
  expect(met).toHaveLength(51)
  expect(met.every(({ state }) => state === 'outOfView')).toBe(true)
})

test('a walk goes in tree order and leaves the staging folder out', () => {
  const disk = tree().make('a-b').make('.cd-staging', 'directory').make('.cd-staging/x')
  const met = walk(path(''), { disk, isInView: () => true })
  expect([...met].map((one) => one.path as string)).toEqual([
    'a',
    'a/b',
    'a/b/c',
    'a/d',
    'a-b',
    'a.txt',
    'z',
  ])
})

describe('gaps', () => {
  const gap = (at: string, notBeforeMs = 0, sinceMs = 5) => ({
    path: path(at),
    sinceMs,
    reason: 'test',
    notBeforeMs,
  })
  const open = (gaps: Gaps) => gaps.open.map((one) => one.path as string)

  test('one that covers another is enough', () => {
    const gaps = new Gaps()
    for (const at of ['a', 'a/b', 'a', 'ab']) gaps.add(gap(at))
    expect(open(gaps)).toEqual(['a', 'ab'])
  })

  test('only a finished rescan closes, and only what lies in its folder', () => {
    const gaps = new Gaps()
    for (const at of ['a/b', 'a/c', 'x']) gaps.add(gap(at))
    gaps.startRescan(path('a'))
    gaps.abandonRescan()
    expect(open(gaps)).toEqual(['a/b', 'a/c', 'x'])
    gaps.startRescan(path('a'))
    gaps.finishRescan([])
    expect(open(gaps)).toEqual(['x'])
  })

  test('what is lost while a rescan runs stays open after it', () => {
    const gaps = new Gaps()
    gaps.add(gap(''))
    gaps.startRescan(path(''))
    gaps.add(gap('a', 0, 9))
    gaps.finishRescan([])
    expect(open(gaps)).toEqual(['a'])
  })

  test('what could not be read stays open and is not tried again at once', () => {
    const gaps = new Gaps()
    gaps.add(gap(''))
    gaps.startRescan(path(''))
    gaps.finishRescan([gap('secret', 100)])
    expect([gaps.due(99), gaps.due(100), gaps.nextRescanMs()]).toEqual([null, path('secret'), 100])
    gaps.startRescan(path('secret'))
    gaps.finishRescan([gap('secret', 200, 99)])
    expect(gaps.open).toEqual([gap('secret', 200)])
    gaps.add(gap('secret'))
    expect(gaps.due(0)).toBe(path('secret'))
  })

  test('too many are taken together', () => {
    const gaps = new Gaps()
    for (let index = 0; index <= 100; index++) gaps.add(gap(`a/b${index}`, 7, 50 - index))
    expect(gaps.open).toEqual([{ ...gap('a', 0, -50), reason: 'test' }])
  })
})
