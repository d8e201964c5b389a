import { describe, expect, test } from 'bun:test'

import { SEQ_RESERVATION } from '../../../src/core/base/limits.ts'
import { restartEpoch } from '../../../src/core/change/open-journal.ts'
import { HASH, JournalRig, path } from './journal-rig.ts'

describe('hashes', () => {
  const cases: readonly {
    name: string
    act: (rig: JournalRig) => void
    at?: string
    trust: string
  }[] = [
    { name: 'stay where nothing changed', act: (rig) => rig.see('hint', 'a'), trust: 'trusted' },
    {
      name: 'are doubtful after a chmod',
      act: (rig) => {
        rig.disk.change('a', { mode: 0o600, ctimeNs: 7n })
        rig.see('hint', 'a')
      },
      trust: 'doubtful',
    },
    {
      name: 'are doubtful after a rename',
      act: (rig) => {
        rig.disk.rename('a', 'b')
        rig.see('hint', 'a', 'b')
      },
      at: 'b',
      trust: 'doubtful',
    },
    {
      name: 'are doubtful where a write put mtime back',
      act: (rig) => {
        rig.disk.change('a', { ctimeNs: 7n })
        rig.see('hint', 'a')
      },
      trust: 'doubtful',
    },
    {
      name: 'are gone after a write',
      act: (rig) => {
        rig.disk.write('a', 1)
        rig.see('hint', 'a')
      },
      trust: 'unknown',
    },
    {
      name: 'are gone where another file has the same size and mtime',
      act: (rig) => {
        rig.disk.change('a', { inode: 77n })
        rig.see('hint', 'a')
      },
      trust: 'unknown',
    },
    {
      name: 'are gone where a reader found something else',
      act: (rig) => rig.see('forced', 'a'),
      trust: 'unknown',
    },
    {
      name: 'stay in a renamed folder',
      act: (rig) => {
        rig.hash('d/f')
        rig.disk.rename('d', 'e')
        rig.see('hint', 'd', 'e', 'e/f')
      },
      at: 'e/f',
      trust: 'trusted',
    },
  ]
  test.each(cases)('$name', ({ act, at, trust }) => {
    const rig = new JournalRig((disk) => disk.make('a').make('d', 'directory').make('d/f'))
    rig.hash('a')
    expect(rig.trust('a')).toBe('trusted')
    act(rig)
    expect(rig.trust(at ?? 'a')).toBe(trust as never)
  })

  test('are kept only for the seq and the state they were found at', () => {
    const rig = new JournalRig((disk) => disk.make('a'))
    const row = rig.store.get(path('a'))
    if (!row?.state) throw new Error('a row')
    const finding = { path: row.path, seq: row.seq, hash: HASH, fingerprint: row.state }
    rig.journal.keepHashes([
      { ...finding, seq: row.seq + 1 },
      { ...finding, fingerprint: { ...row.state, ctimeNs: 1n } },
      { ...finding, path: path('ghost') },
    ])
    expect(rig.trust('a')).toBe('unknown')
  })
})

describe('racy rows', () => {
  const racy = () => {
    const rig = new JournalRig((disk) => disk.make('a'))
    rig.disk.write('a', 5)
    rig.disk.nowMs += 10
    expect(rig.see('hint', 'a').racy).toEqual([path('a')])
    return rig
  }

  test('a second look settles one that is as it was', () => {
    const rig = racy()
    rig.disk.nowMs += 20
    expect(rig.changes(() => expect(rig.see('again', 'a').racy).toEqual([]))).toEqual([])
    expect(rig.changes(() => rig.see('hint', 'a'))).toEqual([])
  })

  test('a second look that came too soon asks for another', () => {
    const rig = racy()
    expect(rig.changes(() => expect(rig.see('again', 'a').racy).toEqual([path('a')]))).toEqual([])
  })

  test('one that nobody was given is as it was seen last', () => {
    const rig = racy()
    expect(rig.changes(() => rig.see('hint', 'a'))).toEqual([])
  })

  test.each(['hint', 'scan'] as const)('a %s doubts one that was given to someone', (cause) => {
    const rig = racy()
    rig.journal.handOut({ after: 0, upTo: rig.journal.headSeq, limit: 10, liveOnly: false })
    rig.disk.nowMs += 20
    expect(rig.changes(() => rig.see(cause, 'a'))).toEqual(['update a'])
  })

  test('a restart doubts one as well', () => {
    const rig = racy()
    rig.store.crash('killed')
    rig.journal = rig.open()
    rig.disk.nowMs += 20
    expect(rig.changes(() => rig.see('scan', 'a'))).toEqual(['update a'])
  })

  test('a folder is never racy, nor a file with a time far in the future', () => {
    const rig = new JournalRig()
    rig.disk.make('d', 'directory').make('f')
    rig.disk.change('f', { ctimeNs: BigInt(rig.disk.nowMs + 5000) * 1_000_000n })
    expect(rig.see('hint', 'd', 'f').racy).toEqual([])
  })
})

describe('the view', () => {
  test('what is excluded is never in the journal', () => {
    const rig = new JournalRig(undefined, ['\\.tmp$', '^private$'])
    rig.disk.make('a.tmp').make('private', 'directory').make('private/x').make('b')
    const seen = ['a.tmp', 'private', 'private/x', 'b']
    expect(rig.changes(() => rig.see('hint', ...seen))).toEqual(['create b'])
    rig.disk.remove('a.tmp')
    expect(rig.changes(() => rig.see('hint', 'a.tmp'))).toEqual([])
  })

  test('what is renamed out of the view leaves as deleted, and as new when it comes back', () => {
    const rig = new JournalRig((disk) => disk.make('a'), ['\\.tmp$'])
    rig.disk.rename('a', 'a.tmp')
    expect(rig.changes(() => rig.see('hint', 'a', 'a.tmp'))).toEqual(['delete a'])
    rig.disk.rename('a.tmp', 'a')
    expect(rig.changes(() => rig.see('hint', 'a', 'a.tmp'))).toEqual(['create a'])
  })

  test('what a narrower view leaves out goes as excluded, deepest first', () => {
    const rig = new JournalRig((disk) => disk.make('d', 'directory').make('d/x'))
    rig.exclude.push('^d$')
    rig.journal = rig.open()
    expect(rig.changes(() => rig.see('scan', 'd'))).toEqual(['excluded d/x', 'excluded d'])
  })

  test('a folder in whose place a file comes that is left out is deleted, with all in it', () => {
    const rig = new JournalRig((disk) => disk.make('d', 'directory').make('d/x'))
    rig.include.push('x$')
    rig.journal = rig.open()
    rig.disk.remove('d/x').remove('d').make('d')
    expect(rig.changes(() => rig.see('hint', 'd'))).toEqual(['delete d/x', 'delete d'])
  })
})

describe('seqs and epochs', () => {
  test('a clean stop leaves no hole', () => {
    const rig = new JournalRig((disk) => disk.make('a'))
    const head = rig.journal.headSeq
    rig.journal.close()
    rig.store.crash('powerCut')
    rig.journal = rig.open()
    rig.disk.make('b')
    rig.see('hint', 'b')
    expect(rig.journal.headSeq).toBe(head + 1)
  })

  test.each(['killed', 'powerCut'] as const)('%s: numbering goes on above the range', (kind) => {
    const rig = new JournalRig((disk) => disk.make('a'))
    const head = rig.journal.headSeq
    rig.store.crash(kind)
    rig.journal = rig.open()
    expect(rig.journal.headSeq).toBe(head)
    rig.disk.make('b')
    rig.see('hint', 'b')
    expect(rig.journal.headSeq).toBe(SEQ_RESERVATION + 1)
    rig.store.crash(kind)
    rig.journal = rig.open()
    rig.disk.make('c')
    rig.see('hint', 'c')
    expect(rig.journal.headSeq).toBe(2 * SEQ_RESERVATION + 1)
  })

  test('a transaction that fails changes nothing, and its numbers are not given again', () => {
    const rig = new JournalRig((disk) => disk.make('a'))
    const { headSeq, state } = rig.journal
    rig.disk.make('b')
    const put = rig.store.put.bind(rig.store)
    rig.store.put = () => {
      throw new Error('disk full')
    }
    expect(() => rig.see('hint', 'b')).toThrow('disk full')
    rig.store.put = put
    expect([rig.journal.headSeq, rig.journal.state.fileCount]).toEqual([headSeq, state.fileCount])
    rig.see('hint', 'b')
    expect(rig.journal.headSeq).toBeGreaterThan(SEQ_RESERVATION)
    expect(rig.after(headSeq)).toEqual(['create b'])
  })

  test('a new epoch begins where others know more than the journal', () => {
    const rig = new JournalRig((disk) => disk.make('a').make('b'))
    rig.disk.remove('b')
    rig.see('hint', 'b')
    const { epoch, headSeq } = rig.journal
    for (const known of [null, { epoch, seq: headSeq }, { epoch: 'other', seq: 99 }]) {
      expect(rig.open(known).epoch).toBe(epoch)
    }
    const renewed = rig.open({ epoch, seq: headSeq + 1 })
    expect(renewed.epoch).not.toBe(epoch)
    expect(renewed.state.completeAtMs).toBeNull()
    expect(rig.store.get(path('a'))?.state).not.toBeNull()
    expect(rig.store.get(path('b'))).toBeNull()
  })

  test.each([
    { keep: 'rows', after: { hasRow: true, rootInode: 1n } },
    {
      keep: 'rows',
      root: { inode: 2n, birthNs: 2n, isMountPoint: false },
      after: { hasRow: true, rootInode: 2n },
    },
    { keep: 'nothing', after: { hasRow: false, rootInode: null } },
  ] as const)('a new epoch that keeps $keep: $after', ({ after, ...restart }) => {
    const { hasRow, rootInode } = after
    const rig = new JournalRig((disk) => disk.make('a'))
    rig.journal.adoptRoot({ inode: 1n, birthNs: 1n, isMountPoint: false })
    const before = rig.journal.state
    restartEpoch(rig.store, { newEpoch: () => 'new', ...restart })
    const { epoch, root, fileCount, headSeq } = rig.open().state
    expect([epoch, root?.inode ?? null, fileCount]).toEqual(['new', rootInode, hasRow ? 1 : 0])
    expect(rig.store.get(path('a')) !== null).toBe(hasRow)
    expect(headSeq).toBe(before.headSeq)
  })

  test('counts live files and their bytes', () => {
    const rig = new JournalRig((disk) =>
      disk.make('a', 'file', 10).make('l', 'symlink').make('d', 'directory'),
    )
    const counts = () => [rig.journal.state.fileCount, rig.journal.state.totalBytes]
    expect(counts()).toEqual([2, 10])
    rig.disk.write('a', 4).make('b', 'file', 6)
    rig.see('hint', 'a', 'b')
    expect(counts()).toEqual([3, 10])
    rig.disk.remove('a').remove('l')
    rig.see('hint', 'a', 'l')
    expect(counts()).toEqual([1, 6])
  })
})

test('a large tree leaves in steps, deepest first, and nothing is left over', () => {
  const rig = new JournalRig((disk) => {
    disk.make('d', 'directory')
    for (let index = 0; index < 25; index++) disk.make(`d/${index}`)
    return disk
  })
  rig.removeMax = 10
  rig.journal = rig.open()
  rig.disk.remove('d')
  let { leaving } = rig.see('hint', 'd')
  let steps = 1
  for (; leaving.length > 0; steps++) ({ leaving } = rig.journal.remove(leaving, rig.disk.nowMs))
  expect(steps).toBe(3)
  expect(rig.store.get(path('d'))?.seq).toBe(rig.journal.headSeq)
  expect(rig.journal.liveBelow(path(''), null, 100)).toEqual([])
})

test('every row is sent again where its metadata is sent differently', () => {
  const rig = new JournalRig((disk) => disk.make('a'))
  rig.hash('a')
  const rows = rig.journal.liveBelow(path(''), null, 100)
  expect(rig.changes(() => rig.journal.resend(rows, 5))).toEqual(['update a'])
  expect(rig.trust('a')).toBe('trusted')
})
