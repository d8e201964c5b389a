import { describe, expect, test } from 'bun:test'

import type { ContentHash, Entry, FileKey, SentState } from '../../../src/core/change/entry.ts'
import { NO_LEADERS, findLeaders } from '../../../src/core/change/names.ts'
import { HASH, JournalRig, LATER_MS, path } from './journal-rig.ts'

// What the source makes of names of one file.

const OTHER_HASH = 'cd'.repeat(32) as ContentHash

/** A journal that keeps names, over a file whose hash is trusted. */
function keepingRig(): JournalRig {
  const rig = new JournalRig((disk) => disk.make('a'))
  rig.keepsNames = true
  rig.journal = rig.open()
  rig.disk.nowMs += LATER_MS
  rig.hash('a')
  return rig
}

const hashOf = (rig: JournalRig, at: string) => rig.store.get(path(at))?.hash

describe('the journal', () => {
  test('takes over for a new name what is known of the others', () => {
    const rig = keepingRig()
    rig.disk.link('a', 'b').nowMs += LATER_MS
    expect(rig.changes(() => rig.see('hint', 'b', 'a'))).toEqual(['update a', 'create b'])
    expect([hashOf(rig, 'b'), rig.trust('b')]).toEqual([HASH, 'doubtful'])
  })

  test('does so where nothing was complete yet, and knows a rename', () => {
    const rig = keepingRig()
    const state = rig.store.state()
    if (state === null) throw new Error('a journal')
    rig.store.putState({ ...state, completeAtMs: null })
    rig.journal = rig.open()
    rig.disk.link('a', 'b').nowMs += LATER_MS
    rig.disk.remove('a')
    expect(rig.changes(() => rig.see('scan', 'b'))).toEqual(['rename b (a)', 'delete a'])
    expect(hashOf(rig, 'b')).toBe(HASH)
  })

  test('knows nothing of a new name where names are not kept', () => {
    const rig = keepingRig()
    rig.keepsNames = false
    rig.journal = rig.open()
    rig.disk.link('a', 'b').nowMs += LATER_MS
    expect(rig.changes(() => rig.see('hint', 'b', 'a'))).toEqual(['update a', 'create b'])
    expect(rig.trust('b')).toBe('unknown')
  })

  test('pairs a name with one that is gone rather than with one that is still there', () => {
    const rig = keepingRig()
    rig.disk.link('a', 'b').nowMs += LATER_MS
    rig.see('hint', 'a', 'b')
    rig.disk.rename('b', 'c').nowMs += LATER_MS
    expect(rig.changes(() => rig.see('hint', 'b', 'c'))).toEqual(['rename c (b)', 'delete b'])
  })

  test('keeps a hash for the names that look the same, where it was found for all', () => {
    const rig = keepingRig()
    rig.disk.link('a', 'b').link('a', 'c').nowMs += LATER_MS
    rig.see('hint', 'a', 'b', 'c')
    // A change by one name, of which nobody told under the other.
    rig.disk.change('c', { ctimeNs: 1n })
    rig.see('hint', 'c')
    const row = rig.store.get(path('a'))
    if (!row?.state) throw new Error('a row')
    const finding = { path: row.path, seq: row.seq, hash: OTHER_HASH, fingerprint: row.state }
    rig.journal.keepHashes([finding])
    expect(['a', 'b', 'c'].map((at) => rig.trust(at))).toEqual(['trusted', 'doubtful', 'doubtful'])
    rig.journal.keepHashes([{ ...finding, forAllNames: true }])
    expect(['a', 'b', 'c'].map((at) => hashOf(rig, at))).toEqual([OTHER_HASH, OTHER_HASH, HASH])
    expect(rig.trust('b')).toBe('trusted')
  })
})

const KEY = '1.2' as FileKey

function named(seq: number, state: Partial<SentState> = {}, entry: Partial<Entry> = {}): Entry {
  const plain = { type: 'file', size: 1, mode: 0o644, uid: 0, gid: 0, mtimeNs: 1n } as const
  const key = { fileKey: KEY, hasOtherNames: true }
  const whole = { ...plain, linkTarget: null, hash: HASH, ...key, ...state }
  return { seq, path: path(`n${seq}`), operation: 'create', from: null, state: whole, ...entry }
}

describe('one name leads', () => {
  test('where all are new, the first', () => {
    expect([...findLeaders([named(3), named(5), named(8)])]).toEqual([
      [5, 3],
      [8, 3],
    ])
  })

  test.each<[string, Partial<Entry>]>([
    ['was there before', { operation: 'update' }],
    ['came from another path', { operation: 'rename', from: path('old') }],
  ])('else one that %s', (_what, entry) => {
    expect([...findLeaders([named(3), named(5, {}, entry), named(8)])]).toEqual([
      [3, 5],
      [8, 5],
    ])
  })

  test.each<[string, Partial<SentState>]>([
    ['another file', { fileKey: '1.3' as FileKey }],
    ['another content', { hash: OTHER_HASH }],
    ['a content that is not known yet', { hash: null }],
    ['another time', { mtimeNs: 2n }],
    ['another size', { size: 2 }],
  ])('none where the other is %s', (_what, state) => {
    expect(findLeaders([named(3), named(5, state)]).size).toBe(0)
  })

  test('none among files with one name, folders and what is gone', () => {
    const gone = named(4, {}, { operation: 'delete', state: null })
    const alone = { fileKey: '1.4' as FileKey, hasOtherNames: false }
    expect(findLeaders([named(3, alone), gone])).toBe(NO_LEADERS)
    expect(findLeaders([named(3), gone, named(5, alone)]).size).toBe(0)
  })
})
