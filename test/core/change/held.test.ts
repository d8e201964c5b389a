import { describe, expect, test } from 'bun:test'

import { JournalRig, LATER_MS, path } from './journal-rig.ts'

/** A source of ten files in a folder and one beside it, of which two may leave within ten minutes. */
function rig(): JournalRig {
  const one = new JournalRig((disk) => {
    disk.make('d', 'directory')
    for (const each of files(10)) disk.make(each, 'file', 100)
    return disk.make('beside', 'file', 5)
  })
  one.deletionLimit = { count: 2, percent: null, windowS: 600 }
  one.journal = one.open()
  return one
}

const files = (count: number) => Array.from({ length: count }, (_, index) => `d/f${index}`)

function remove(one: JournalRig, ...paths: string[]): string[] {
  return one.changes(() => {
    for (const each of paths) one.disk.remove(each)
    let { leaving } = one.see('scan', ...paths)
    while (leaving.length > 0) ({ leaving } = one.journal.remove(leaving, one.disk.nowMs))
  })
}

function release(one: JournalRig): string[] {
  return one.changes(() => {
    const fingerprint = one.journal.hold?.fingerprint ?? 'none'
    expect(one.journal.resolveHold(fingerprint, 'release')).toBe(true)
    while (one.journal.releaseSome(one.disk.nowMs));
  })
}

describe('more deletions than may go', () => {
  test('are held, and what holds them says so; the rest flows', () => {
    const one = rig()
    expect(remove(one, ...files(4))).toEqual([
      'delete d/f3',
      'delete d/f2',
      'held d/f1',
      'held d/f0',
    ])
    expect(one.journal.hold).toMatchObject({
      deletes: 2,
      updates: 0,
      bytes: 200,
      sinceMs: one.disk.nowMs,
      sample: [path('d/f1'), path('d/f0')],
    })
    one.disk.write('beside', 6)
    expect(one.changes(() => one.see('hint', 'beside'))).toEqual(['update beside'])
  })

  test('stay within the limit however slowly they come, until a person has looked', () => {
    const one = rig()
    for (const each of files(3)) remove(one, each)
    expect(one.journal.hold?.deletes).toBe(1)
    one.disk.nowMs += 3_600_000
    expect(remove(one, 'd/f5')).toEqual(['held d/f5'])
  })

  test('come a few at a time without being held', () => {
    const one = rig()
    for (const each of files(8)) {
      expect(remove(one, each)).toEqual([`delete ${each}`])
      one.disk.nowMs += 301_000
    }
    expect(one.journal.hold).toBeNull()
  })

  test('hold the folder that they lie in, and everything above it', () => {
    const one = rig()
    const changes = remove(one, ...files(10), 'd')
    expect(changes.filter((line) => line.startsWith('held'))).toHaveLength(9)
    expect(changes.at(-1)).toBe('held d')
    expect(one.journal.hold).toMatchObject({ deletes: 8 })
    expect(release(one)).toEqual([
      ...files(8)
        .toReversed()
        .map((each) => `delete ${each}`),
      'delete d',
    ])
    expect(one.journal.hold).toBeNull()
  })

  test('are none where files are renamed, moved, or leave the view', () => {
    const one = rig()
    expect(
      one.changes(() => {
        for (const each of files(5)) one.disk.rename(each, `${each}.new`)
        one.see('scan', ...files(5), ...files(5).map((each) => `${each}.new`))
      }),
    ).toHaveLength(10)
    expect(one.journal.hold).toBeNull()
    expect(remove(one, 'd/f7', 'd/f8')).toEqual(['delete d/f8', 'delete d/f7'])
  })

  test('are none where folders go', () => {
    const one = rig()
    const folders = ['x', 'y', 'z']
    for (const each of folders) one.disk.make(each, 'directory')
    one.see('scan', ...folders)
    expect(remove(one, ...folders)).toEqual(['delete z', 'delete y', 'delete x'])
  })

  test('are as many where files are emptied', () => {
    const one = rig()
    const empty = (...paths: string[]) =>
      one.changes(() => {
        for (const each of paths) one.disk.write(each, 0)
        one.see('hint', ...paths)
      })
    expect(empty(...files(4))).toEqual(['update d/f0', 'update d/f1', 'held d/f2', 'held d/f3'])
    expect(one.journal.hold).toMatchObject({ deletes: 0, updates: 2, bytes: 200 })
    // Whatever else becomes of such a file, it has no content yet.
    one.disk.change('d/f2', { mode: 0o600 })
    expect(one.changes(() => one.see('hint', 'd/f2'))).toEqual(['held d/f2'])
    expect(one.changes(() => one.see('scan', 'd/f3'))).toEqual([])
    one.disk.write('d/f2', 7)
    expect(one.changes(() => one.see('hint', 'd/f2'))).toEqual(['update d/f2'])
    expect(one.journal.hold).toMatchObject({ updates: 1, bytes: 100 })
    expect(release(one)).toEqual(['update d/f3'])
  })

  test('an emptied file that is deleted then stays held, and one that comes back empty too', () => {
    const one = rig()
    remove(one, 'd/f0', 'd/f1', 'd/f2')
    one.disk.write('d/f3', 0)
    one.see('hint', 'd/f3')
    expect(remove(one, 'd/f3')).toEqual(['held d/f3'])
    expect(one.store.get(path('d/f0'))?.operation).toBe('held')
    one.disk.make('d/f0', 'file', 0)
    expect(one.changes(() => one.see('hint', 'd/f0'))).toEqual(['held d/f0'])
    expect(one.journal.hold).toMatchObject({ deletes: 1, updates: 1, bytes: 200 })
  })
})

describe('a hold', () => {
  test('ends by itself where everything is back', () => {
    const one = rig()
    remove(one, ...files(4))
    for (const each of ['d/f0', 'd/f1']) one.disk.make(each, 'file', 100)
    expect(one.changes(() => one.see('scan', 'd/f0', 'd/f1'))).toEqual([
      'create d/f0',
      'create d/f1',
    ])
    expect(one.journal.hold).toBeNull()
  })

  test('is released as it was shown, or not at all', () => {
    const one = rig()
    remove(one, ...files(4))
    const shown = one.journal.hold?.fingerprint ?? ''
    remove(one, 'd/f5')
    expect(one.journal.resolveHold(shown, 'release')).toBe(false)
    expect(one.journal.hold?.deletes).toBe(3)
    one.disk.make('d/f5', 'file', 100)
    one.see('scan', 'd/f5')
    // As many as before, and the same ones.
    expect(one.journal.resolveHold(shown, 'release')).toBe(true)
    expect(one.journal.hold).toBeNull()
    expect(one.journal.resolveHold(shown, 'release')).toBe(false)
  })

  test('lets what comes after it be counted anew', () => {
    const one = rig()
    remove(one, ...files(4))
    one.disk.nowMs += 601_000
    release(one)
    expect(remove(one, 'd/f6', 'd/f7', 'd/f8')).toEqual(['delete d/f8', 'delete d/f7', 'held d/f6'])
  })

  test.each(['killed', 'powerCut'] as const)('goes on being released after a stop: %s', (kind) => {
    const one = rig()
    one.removeMax = 2
    one.journal = one.open()
    remove(one, ...files(8))
    const hold = one.journal.hold
    expect(one.journal.resolveHold(hold?.fingerprint ?? '', 'release')).toBe(true)
    one.journal.releaseSome(one.disk.nowMs)
    one.store.crash(kind)
    one.journal = one.open()
    expect(one.journal.hold).toBeNull()
    while (one.journal.releaseSome(one.disk.nowMs));
    for (const each of files(8)) expect(one.store.get(path(each))?.operation).toBe('delete')
  })

  test('that is refused keeps what targets have, for good', () => {
    const one = rig()
    remove(one, ...files(4))
    const fingerprint = one.journal.hold?.fingerprint ?? ''
    expect(one.journal.resolveHold(fingerprint, 'keep')).toBe(true)
    expect(one.journal.hold).toBeNull()
    expect(one.journal.releaseSome(one.disk.nowMs)).toBe(false)
    expect(one.store.get(path('d/f0'))?.operation).toBe('kept')
    // A new version is sent as any other.
    one.disk.nowMs += LATER_MS
    one.disk.make('d/f0', 'file', 9)
    expect(one.changes(() => one.see('hint', 'd/f0'))).toEqual(['create d/f0'])
  })

  test('that is refused keeps the folder that it lies in, also where other things in it may go', () => {
    const one = rig()
    remove(one, ...files(4))
    expect(one.journal.resolveHold(one.journal.hold?.fingerprint ?? '', 'keep')).toBe(true)
    one.disk.nowMs += 601_000
    const gone = remove(one, ...files(10).slice(4), 'd')
    expect(gone).toEqual(
      [...Array(2).fill('delete'), ...Array(5).fill('held')].map((what, at) => {
        return `${what} ${[...files(10).slice(4).toReversed(), 'd'][at]}`
      }),
    )
    expect(release(one).at(-1)).toBe('kept d')
    expect(one.journal.hold).toBeNull()
  })

  test('is named in full lists, which say otherwise that it is gone', () => {
    const one = rig()
    remove(one, ...files(4))
    const range = { after: 0, upTo: one.journal.headSeq, limit: 100, liveOnly: true }
    const named = one.journal.changes(range).map((row) => row.path)
    expect(named).toContain(path('d/f0'))
    expect(named).not.toContain(path('d/f3'))
  })

  test('outlives a new epoch', () => {
    const one = rig()
    remove(one, ...files(4))
    one.store.durably(() => one.store.drop('tombstones'))
    expect(one.store.get(path('d/f0'))?.operation).toBe('held')
    expect(one.store.get(path('d/f3'))).toBeNull()
  })
})

test('without a limit everything may go', () => {
  const one = rig()
  one.deletionLimit = null
  one.journal = one.open()
  expect(remove(one, ...files(10)).every((line) => line.startsWith('delete'))).toBe(true)
})
