import type { Entry, FileKey, SentState } from '../../../src/core/change/entry.ts'
import { folder, gone, file as plainFile } from './harness.ts'

interface LinkCase {
  readonly name: string
  readonly before: readonly Entry[]
  readonly change: readonly Entry[]
  readonly after: readonly string[]
  /** Names that are of one file, joined by `=`. */
  readonly groups: readonly string[]
  readonly wanted?: readonly string[]
}

type Extra = Partial<SentState> & { readonly from?: string }

/** An entry of a file by its key: `1`, or `1+` where it has other names. */
export function named(
  seq: number,
  path: string,
  ...[key, content, extra]: [key: string, content: string, extra?: Extra]
): Entry {
  const fileKey = `${key.replace('+', '')}.0` as FileKey
  const hasOtherNames = key.endsWith('+') ? { hasOtherNames: true } : {}
  const entry = plainFile(seq, path, content, { ...extra, fileKey, ...hasOtherNames })
  return extra?.from === undefined ? { ...entry, operation: 'create' } : entry
}

export const update = (entry: Entry): Entry => ({ ...entry, operation: 'update' })

/** What a source did with names of its files between two sets, and how the target must look after. */
export const LINK_CASES: readonly LinkCase[] = [
  {
    name: 'three names of one file are new',
    before: [],
    change: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one'), named(3, 'c', '1+', 'one')],
    after: ['a one', 'b one', 'c one'],
    groups: ['a=b=c'],
    wanted: ['a'],
  },
  {
    name: 'names of two files with the same content are new',
    before: [],
    change: [
      named(1, 'a', '1+', 'one'),
      named(2, 'b', '2+', 'one'),
      named(3, 'c', '1+', 'one'),
      named(4, 'd', '2+', 'one'),
    ],
    after: ['a one', 'b one', 'c one', 'd one'],
    groups: ['a=c', 'b=d'],
    wanted: ['a', 'b'],
  },
  {
    name: 'names of an empty file are new',
    before: [],
    change: [named(1, 'a', '1+', ''), named(2, 'b', '1+', '')],
    after: ['a ', 'b '],
    groups: ['a=b'],
  },
  {
    name: 'a file gets another name',
    before: [named(1, 'a', '1', 'one')],
    change: [update(named(2, 'a', '1+', 'one')), named(3, 'b', '1+', 'one')],
    after: ['a one', 'b one'],
    groups: ['a=b'],
  },
  {
    name: 'a file gets another name, and it was told before that it has one',
    before: [],
    change: [named(1, 'a', '1', 'one'), named(2, 'b', '1+', 'one')],
    after: ['a one', 'b one'],
    groups: ['a=b'],
    wanted: ['a'],
  },
  {
    name: 'a file gets another name, of which alone is told',
    before: [named(1, 'a', '1', 'one')],
    change: [named(2, 'b', '1+', 'one')],
    after: ['a one', 'b one'],
    groups: ['a=b'],
  },
  {
    name: 'a file gets other content under all of its names',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one'), named(3, 'c', '1+', 'one')],
    change: [
      update(named(4, 'a', '1+', 'two')),
      update(named(5, 'b', '1+', 'two')),
      update(named(6, 'c', '1+', 'two')),
    ],
    after: ['a two', 'b two', 'c two'],
    groups: ['a=b=c'],
    wanted: ['a'],
  },
  {
    name: 'a new name comes together with other content',
    before: [named(1, 'b', '1', 'one')],
    change: [named(2, 'a', '1+', 'two'), update(named(3, 'b', '1+', 'two'))],
    after: ['a two', 'b two'],
    groups: ['a=b'],
    // Under the one of which an older version may be here.
    wanted: ['b'],
  },
  {
    name: 'a name is split off by a copy with the same content',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')],
    change: [update(named(3, 'a', '1', 'one')), update(named(4, 'b', '2', 'one'))],
    after: ['a one', 'b one'],
    groups: [],
  },
  {
    name: 'a name is split off by a copy, of which alone is told',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')],
    change: [update(named(3, 'b', '2', 'one'))],
    after: ['a one', 'b one'],
    groups: [],
  },
  {
    name: 'a name is replaced by a file of other content',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one'), named(3, 'c', '1+', 'one')],
    change: [update(named(4, 'b', '2', 'two')), update(named(5, 'a', '1+', 'one'))],
    after: ['a one', 'b two', 'c one'],
    groups: ['a=c'],
    wanted: ['b'],
  },
  {
    name: 'one of two names goes',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')],
    change: [gone(3, 'b'), update(named(4, 'a', '1', 'one'))],
    after: ['a one'],
    groups: [],
  },
  {
    name: 'one of three names goes, and the others are not told of',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one'), named(3, 'c', '1+', 'one')],
    change: [gone(4, 'b')],
    after: ['a one', 'c one'],
    groups: ['a=c'],
  },
  {
    name: 'one of two names is renamed',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')],
    change: [
      named(3, 'c', '1+', 'one', { from: 'b' }),
      gone(4, 'b'),
      update(named(5, 'a', '1+', 'one')),
    ],
    after: ['a one', 'c one'],
    groups: ['a=c'],
  },
  {
    name: 'both names are renamed',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')],
    change: [
      named(3, 'c', '1+', 'one', { from: 'a' }),
      named(4, 'd', '1+', 'one', { from: 'b' }),
      gone(5, 'a'),
      gone(6, 'b'),
    ],
    after: ['c one', 'd one'],
    groups: ['c=d'],
  },
  {
    name: 'the folder of some names is renamed',
    before: [
      folder(1, 'd'),
      named(2, 'd/a', '1+', 'one'),
      named(3, 'd/b', '1+', 'one'),
      named(4, 'z', '1+', 'one'),
    ],
    change: [
      folder(5, 'e', { from: 'd' }),
      named(6, 'e/a', '1+', 'one', { from: 'd/a' }),
      named(7, 'e/b', '1+', 'one', { from: 'd/b' }),
      gone(8, 'd/a'),
      gone(9, 'd/b'),
      gone(10, 'd'),
    ],
    after: ['e/', 'e/a one', 'e/b one', 'z one'],
    groups: ['e/a=e/b=z'],
  },
  {
    name: 'the names of two files are swapped',
    before: [
      named(1, 'a', '1+', 'one'),
      named(2, 'b', '1+', 'one'),
      named(3, 'x', '2+', 'two'),
      named(4, 'y', '2+', 'two'),
    ],
    change: [named(5, 'a', '2+', 'two', { from: 'x' }), named(6, 'x', '1+', 'one', { from: 'a' })],
    after: ['a two', 'b one', 'x one', 'y two'],
    groups: ['a=y', 'b=x'],
  },
  {
    name: 'names of one file become names of two',
    before: [
      named(1, 'a', '1+', 'one'),
      named(2, 'b', '1+', 'one'),
      named(3, 'c', '1+', 'one'),
      named(4, 'd', '1+', 'one'),
    ],
    change: [
      update(named(5, 'c', '2+', 'one')),
      update(named(6, 'd', '2+', 'one')),
      update(named(7, 'a', '1+', 'one')),
    ],
    after: ['a one', 'b one', 'c one', 'd one'],
    groups: ['a=b', 'c=d'],
  },
  {
    name: 'files that were each their own become names of one',
    before: [named(1, 'a', '1', 'one'), named(2, 'b', '2', 'one'), named(3, 'c', '3', 'other')],
    change: [
      update(named(4, 'a', '1+', 'one')),
      update(named(5, 'b', '1+', 'one')),
      update(named(6, 'c', '1+', 'one')),
    ],
    after: ['a one', 'b one', 'c one'],
    groups: ['a=b=c'],
  },
  {
    name: 'modes change under all names',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')],
    change: [
      update(named(3, 'a', '1+', 'one', { mode: 0o600 })),
      update(named(4, 'b', '1+', 'one', { mode: 0o600 })),
    ],
    after: ['a one', 'b one'],
    groups: ['a=b'],
  },
  {
    name: 'another file wants the content of a name that goes, while others stay',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')],
    change: [gone(3, 'a'), named(4, 'c', '2', 'one')],
    after: ['b one', 'c one'],
    groups: [],
  },
  {
    name: 'another file wants the content of a name that goes, as does a further name',
    before: [named(1, 'a', '1+', 'one')],
    change: [gone(2, 'a'), named(3, 'c', '2', 'one'), named(4, 'b', '1+', 'one')],
    after: ['b one', 'c one'],
    groups: [],
  },
  {
    name: 'a file gets a name from one that takes another file’s place with the same content',
    before: [named(1, 'y', '1', 'one')],
    change: [named(2, 'c', '1+', 'one'), update(named(3, 'y', '2', 'one'))],
    after: ['c one', 'y one'],
    groups: [],
  },
  {
    name: 'a name becomes a folder that holds another',
    before: [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')],
    change: [folder(3, 'a'), named(4, 'a/c', '1+', 'one', { from: 'a' })],
    after: ['a/', 'a/c one', 'b one'],
    groups: ['a/c=b'],
  },
]
