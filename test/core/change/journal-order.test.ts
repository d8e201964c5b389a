import { describe, expect, test } from 'bun:test'

import type { FileState } from '../../../src/core/change/entry.ts'
import type { Disk } from './disk.ts'
import { JournalRig, LATER_MS, path } from './journal-rig.ts'

describe('what gets a seq, in which order', () => {
  const cases: readonly {
    name: string
    before?: (disk: Disk) => Disk
    act: (disk: Disk) => Disk
    see: string[]
    expected: string[]
  }[] = [
    {
      name: 'parents come first',
      act: (disk) => disk.make('a', 'directory').make('a/b', 'directory').make('a/b/c'),
      see: ['a/b/c', '', 'a/b', 'a'],
      expected: ['update ', 'create a', 'create a/b', 'create a/b/c'],
    },
    {
      name: 'what is deleted goes deepest first',
      before: (disk) => disk.make('a', 'directory').make('a/b', 'directory').make('a/b/c'),
      act: (disk) => disk.remove('a'),
      see: ['a', ''],
      expected: ['update ', 'delete a/b/c', 'delete a/b', 'delete a'],
    },
    {
      name: 'a write is an update',
      before: (disk) => disk.make('a'),
      act: (disk) => disk.write('a', 2),
      see: ['a'],
      expected: ['update a'],
    },
    {
      name: 'a look that finds nothing new changes nothing',
      before: (disk) => disk.make('a').make('b', 'directory').make('c', 'symlink'),
      act: (disk) => disk,
      see: ['', 'a', 'b', 'c'],
      expected: [],
    },
    {
      name: 'a rename within a folder',
      before: (disk) => disk.make('a'),
      act: (disk) => disk.rename('a', 'b'),
      see: ['a', 'b'],
      expected: ['rename b (a)', 'delete a'],
    },
    {
      name: 'a rename of which only the new name was told',
      before: (disk) => disk.make('a'),
      act: (disk) => disk.rename('a', 'b'),
      see: ['b'],
      expected: ['rename b (a)', 'delete a'],
    },
    {
      name: 'a move to another folder',
      before: (disk) => disk.make('a').make('d', 'directory'),
      act: (disk) => disk.rename('a', 'd/a'),
      see: ['a', 'd/a'],
      expected: ['move d/a (a)', 'delete a'],
    },
    {
      name: 'a renamed folder with all that lies in it',
      before: (disk) =>
        disk.make('a', 'directory').make('a/x').make('a/y', 'directory').make('a/y/z'),
      act: (disk) => disk.rename('a', 'b'),
      see: ['a', 'b', 'b/x', 'b/y', 'b/y/z'],
      expected: [
        'rename b (a)',
        'move b/x (a/x)',
        'move b/y (a/y)',
        'move b/y/z (a/y/z)',
        'delete a/y/z',
        'delete a/x',
        'delete a/y',
        'delete a',
      ],
    },
    {
      name: 'two names that change places',
      before: (disk) => disk.make('a').make('b'),
      act: (disk) => disk.rename('a', 't').rename('b', 'a').rename('t', 'b'),
      see: ['a', 'b', 't'],
      expected: ['rename a (b)', 'rename b (a)'],
    },
    {
      name: 'a chain of renames',
      before: (disk) => disk.make('a').make('b').make('c'),
      act: (disk) => disk.rename('c', 'd').rename('b', 'c').rename('a', 'b'),
      see: ['a', 'b', 'c', 'd'],
      expected: ['rename b (a)', 'rename c (b)', 'rename d (c)', 'delete a'],
    },
    {
      name: 'an editor that saves to a temporary file and renames it',
      before: (disk) => disk.make('text'),
      act: (disk) => disk.make('.tmp').rename('.tmp', 'text'),
      see: ['.tmp', 'text'],
      expected: ['update text'],
    },
    {
      name: 'a folder in the place of a file',
      before: (disk) => disk.make('a'),
      act: (disk) => disk.remove('a').make('a', 'directory').make('a/b'),
      see: ['a', 'a/b'],
      expected: ['update a', 'create a/b'],
    },
    {
      name: 'a file in the place of a folder: what lay in it goes first',
      before: (disk) => disk.make('a', 'directory').make('a/b').make('a/c'),
      act: (disk) => disk.remove('a').make('a'),
      see: ['a'],
      expected: ['delete a/c', 'delete a/b', 'update a'],
    },
    {
      name: 'a file whose number another one got is new, not renamed',
      before: (disk) => disk.make('a'),
      act: (disk) => {
        const old = disk.files.get(path('a')) as FileState
        return disk.remove('a').make('b').change('b', { inode: old.inode })
      },
      see: ['a', 'b'],
      expected: ['create b', 'delete a'],
    },
    {
      name: 'a second name of a file is new',
      before: (disk) => disk.make('a'),
      act: (disk) => {
        disk.files.set(path('b'), { ...(disk.files.get(path('a')) as FileState), linkCount: 2 })
        return disk.change('a', { linkCount: 2 })
      },
      see: ['b'],
      expected: ['create b'],
    },
    {
      name: 'where birth is not told, size and mtime must agree for a rename',
      before: (disk) => disk.make('a').change('a', { birthNs: 0n }),
      act: (disk) => disk.rename('a', 'b'),
      see: ['a', 'b'],
      expected: ['rename b (a)', 'delete a'],
    },
    {
      name: 'where birth is not told, another size is another file',
      before: (disk) => disk.make('a').change('a', { birthNs: 0n }),
      act: (disk) => disk.rename('a', 'b').write('b', 7),
      see: ['a', 'b'],
      expected: ['create b', 'delete a'],
    },
    {
      name: 'metadata alone is an update',
      before: (disk) => disk.make('a').make('d', 'directory').make('l', 'symlink'),
      act: (disk) =>
        disk.change('a', { mode: 0o4755 }).change('d', { gid: 5 }).change('l', { mtimeNs: 5n }),
      see: ['a', 'd', 'l'],
      expected: ['update a', 'update d', 'update l'],
    },
    {
      name: 'a new device number alone is nothing',
      before: (disk) => disk.make('a').make('d', 'directory'),
      act: (disk) => disk.change('a', { device: 9n }).change('d', { device: 9n }),
      see: ['a', 'd'],
      expected: [],
    },
    {
      name: 'a new ctime is nothing for a folder, and may be another content for a file',
      before: (disk) => disk.make('a').make('d', 'directory'),
      act: (disk) => disk.change('a', { ctimeNs: 5n }).change('d', { ctimeNs: 5n }),
      see: ['a', 'd'],
      expected: ['update a'],
    },
    {
      name: 'what is gone and was never known is nothing',
      act: (disk) => disk,
      see: ['ghost'],
      expected: [],
    },
    {
      name: 'the staging folder is invisible',
      act: (disk) => disk.make('.cd-staging', 'directory').make('.cd-staging/x'),
      see: ['.cd-staging', '.cd-staging/x'],
      expected: [],
    },
  ]
  test.each(cases)('$name', ({ before, act, see, expected }) => {
    const rig = new JournalRig(before)
    act(rig.disk)
    expect(rig.changes(() => rig.see('hint', ...see))).toEqual(expected)
    rig.disk.nowMs += LATER_MS
    expect(rig.changes(() => rig.see('again', ...see))).toEqual([])
  })
})
