import type { Entry } from '../../../src/core/change/entry.ts'
import { fifo, file, folder, gone, symlink } from './harness.ts'

export interface Case {
  readonly name: string
  readonly before: readonly Entry[]
  readonly change: readonly Entry[]
  readonly after: readonly string[]
  readonly wanted?: readonly string[]
}

/** What a source did between two sets, and how the target must look after. */
export const CASES: readonly Case[] = [
  {
    name: 'new folders, one in the other, with new files',
    before: [file(1, 'z', 'zero')],
    change: [
      folder(2, 'd'),
      folder(4, 'd/e'),
      file(6, 'd/e/f', 'one'),
      file(7, 'd/e/g', 'two'),
      file(8, 'd/h', 'three'),
    ],
    after: ['d/', 'd/e/', 'd/e/f one', 'd/e/g two', 'd/h three', 'z zero'],
    wanted: ['d/e/f', 'd/e/g', 'd/h'],
  },
  {
    name: 'everything is new',
    before: [],
    change: [
      folder(1, 'd'),
      file(2, 'd/f', 'one'),
      symlink(3, 'l', 'd/f'),
      fifo(4, 'p'),
      file(5, 'e', ''),
    ],
    after: ['d/', 'd/f one', 'e ', 'l -> d/f', 'p |'],
    wanted: ['d/f'],
  },
  {
    name: 'a file gets other content',
    before: [file(1, 'a', 'one')],
    change: [file(2, 'a', 'two')],
    after: ['a two'],
    wanted: ['a'],
  },
  {
    name: 'a file is renamed',
    before: [file(1, 'a', 'one')],
    change: [file(2, 'b', 'one', { from: 'a' }), gone(3, 'a')],
    after: ['b one'],
  },
  {
    name: 'a file is renamed, its deletion first',
    before: [file(1, 'a', 'one')],
    change: [gone(2, 'a'), file(3, 'b', 'one', { from: 'a' })],
    after: ['b one'],
  },
  {
    name: 'two names are swapped',
    before: [file(1, 'a', 'one'), file(2, 'b', 'two')],
    change: [file(3, 'a', 'two', { from: 'b' }), file(4, 'b', 'one', { from: 'a' })],
    after: ['a two', 'b one'],
  },
  {
    name: 'three names go round',
    before: [file(1, 'a', 'one'), file(2, 'b', 'two'), file(3, 'c', 'three')],
    change: [
      file(4, 'b', 'one', { from: 'a' }),
      file(5, 'c', 'two', { from: 'b' }),
      file(6, 'a', 'three', { from: 'c' }),
    ],
    after: ['a three', 'b one', 'c two'],
  },
  {
    name: 'a chain of renames',
    before: [file(1, 'a', 'one'), file(2, 'b', 'two'), file(3, 'c', 'three')],
    change: [
      file(4, 'd', 'three', { from: 'c' }),
      file(5, 'c', 'two', { from: 'b' }),
      file(6, 'b', 'one', { from: 'a' }),
      gone(7, 'a'),
    ],
    after: ['b one', 'c two', 'd three'],
  },
  {
    name: 'an editor saves to a temporary file and renames',
    before: [file(1, 'a', 'one'), file(2, 'a.tmp', 'two')],
    change: [file(3, 'a', 'two', { from: 'a.tmp' }), gone(4, 'a.tmp')],
    after: ['a two'],
  },
  {
    name: 'a backup is kept by rename',
    before: [file(1, 'a', 'one')],
    change: [file(2, 'a~', 'one', { from: 'a' }), file(3, 'a', 'two')],
    after: ['a two', 'a~ one'],
    wanted: ['a'],
  },
  {
    name: 'a file is copied, then its first place goes',
    before: [file(1, 'a', 'one')],
    change: [file(2, 'b', 'one'), file(3, 'c', 'one'), gone(4, 'a')],
    after: ['b one', 'c one'],
  },
  {
    name: 'equal content is found by hash, without a hint',
    before: [file(1, 'a', 'one')],
    change: [file(2, 'b', 'one')],
    after: ['a one', 'b one'],
  },
  {
    name: 'a wrong hint does no harm',
    before: [file(1, 'a', 'one')],
    change: [file(2, 'b', 'two', { from: 'a' })],
    after: ['a one', 'b two'],
    wanted: ['b'],
  },
  {
    name: 'a folder is renamed',
    before: [folder(1, 'd'), folder(2, 'd/e'), file(3, 'd/e/f', 'one'), symlink(4, 'd/l', 'e/f')],
    change: [
      folder(5, 'x', { from: 'd' }),
      folder(6, 'x/e', { from: 'd/e' }),
      file(7, 'x/e/f', 'one', { from: 'd/e/f' }),
      symlink(8, 'x/l', 'e/f', { from: 'd/l' }),
      gone(9, 'd/l'),
      gone(10, 'd/e/f'),
      gone(11, 'd/e'),
      gone(12, 'd'),
    ],
    after: ['x/', 'x/e/', 'x/e/f one', 'x/l -> e/f'],
  },
  {
    name: 'a folder is renamed into a new one, and what is in it changes',
    before: [folder(1, 'd'), file(2, 'd/a', 'one'), file(3, 'd/b', 'two')],
    change: [
      folder(4, 'n'),
      folder(5, 'n/d', { from: 'd' }),
      file(6, 'n/d/a', 'changed', { from: 'd/a' }),
      file(7, 'n/d/b', 'two', { from: 'd/b', mode: 0o600 }),
      gone(8, 'd/b'),
      gone(9, 'd/a'),
      gone(10, 'd'),
    ],
    after: ['n/', 'n/d/', 'n/d/a changed', 'n/d/b two'],
    wanted: ['n/d/a'],
  },
  {
    name: 'two folders are swapped',
    before: [folder(1, 'd'), file(2, 'd/a', 'one'), folder(3, 'e'), file(4, 'e/a', 'two')],
    change: [
      folder(5, 'd', { from: 'e' }),
      file(6, 'd/a', 'two', { from: 'e/a' }),
      folder(7, 'e', { from: 'd' }),
      file(8, 'e/a', 'one', { from: 'd/a' }),
    ],
    after: ['d/', 'd/a two', 'e/', 'e/a one'],
  },
  {
    name: 'a folder moves and another takes its name',
    before: [folder(1, 'd'), file(2, 'd/a', 'one'), folder(3, 'e'), file(4, 'e/b', 'two')],
    change: [
      folder(5, 'old', { from: 'd' }),
      file(6, 'old/a', 'one', { from: 'd/a' }),
      folder(7, 'd', { from: 'e' }),
      file(8, 'd/b', 'two', { from: 'e/b' }),
      gone(9, 'd/a'),
      gone(10, 'e/b'),
      gone(11, 'e'),
    ],
    after: ['d/', 'd/b two', 'old/', 'old/a one'],
  },
  {
    name: 'a file becomes a folder',
    before: [file(1, 'a', 'one')],
    change: [folder(2, 'a'), file(3, 'a/one', 'one', { from: 'a' })],
    after: ['a/', 'a/one one'],
  },
  {
    name: 'a folder becomes a file, of content that was in it',
    before: [folder(1, 'a'), file(2, 'a/one', 'one'), folder(3, 'a/b'), file(4, 'a/b/c', 'two')],
    change: [gone(5, 'a/b/c'), gone(6, 'a/b'), gone(7, 'a/one'), file(8, 'a', 'one')],
    after: ['a one'],
  },
  {
    name: 'a file becomes a link, a link a file, a fifo a file',
    before: [file(1, 'a', 'one'), symlink(2, 'b', 'a'), fifo(3, 'c')],
    change: [symlink(4, 'a', 'b'), file(5, 'b', 'two'), file(6, 'c', 'three')],
    after: ['a -> b', 'b two', 'c three'],
    wanted: ['b', 'c'],
  },
  {
    name: 'a link points elsewhere',
    before: [symlink(1, 'l', 'one')],
    change: [symlink(2, 'l', 'two')],
    after: ['l -> two'],
  },
  {
    name: 'a deep tree goes',
    before: [folder(1, 'a'), folder(2, 'a/b'), file(3, 'a/b/c', 'one'), file(4, 'z', 'two')],
    change: [gone(5, 'a'), gone(6, 'a/b'), gone(7, 'a/b/c')],
    after: ['z two'],
  },
  {
    name: 'a file moves down into a folder that takes its name',
    before: [file(1, 'a', 'one'), folder(2, 'b'), file(3, 'b/c', 'two')],
    change: [
      folder(4, 'a'),
      file(5, 'a/a', 'one', { from: 'a' }),
      file(6, 'a/c', 'two', { from: 'b/c' }),
      gone(7, 'b/c'),
      gone(8, 'b'),
    ],
    after: ['a/', 'a/a one', 'a/c two'],
  },
  {
    name: 'content that leaves is copied where more places want it',
    before: [file(1, 'a', 'one'), file(2, 'b', 'one')],
    change: [
      file(3, 'x', 'one', { from: 'a' }),
      file(4, 'y', 'one', { from: 'b' }),
      file(5, 'z', 'one'),
      gone(6, 'a'),
      gone(7, 'b'),
    ],
    after: ['x one', 'y one', 'z one'],
  },
]
