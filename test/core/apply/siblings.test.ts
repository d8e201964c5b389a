import { describe, expect, test } from 'bun:test'

import { fromText } from '../../../src/core/base/byte-string.ts'
import type { Entry, FileKey } from '../../../src/core/change/entry.ts'
import { ROOT, type RelPath } from '../../../src/core/path/rel-path.ts'
import { MTIME, file, folder, gone, symlink } from './harness.ts'
import { Union } from './union.ts'

const at = (seconds: number) => ({ mtimeNs: MTIME + BigInt(seconds) * 1_000_000_000n })

test('a target holds the union of what its sources have', () => {
  const union = new Union(2)
  union.send(0, folder(1, ''), folder(2, 'd'), file(3, 'd/one', '1'), file(4, 'same', 'same'))
  union.send(1, folder(1, ''), folder(2, 'd'), file(3, 'd/two', '2'), file(4, 'same', 'same'))
  expect(union.look()).toEqual(['d/', 'd/one 1', 'd/two 2', 'same same'])
  expect([union.lost(0), union.lost(1), union.asides()]).toEqual([[], [], []])
})

test('a path goes when no source has it any more', () => {
  const union = new Union(2)
  union.send(0, folder(1, 'd'), file(2, 'd/f', 'x'), file(3, 'd/own', '1'))
  union.send(1, folder(1, 'd'), file(2, 'd/f', 'x'))
  union.send(0, gone(4, 'd/f'), gone(5, 'd/own'), gone(6, 'd'))
  expect(union.look()).toEqual(['d/', 'd/f x'])
  union.send(1, gone(3, 'd/f'), gone(4, 'd'))
  expect([union.look(), union.settle()]).toEqual([[], []])
})

describe('one path in two sources', () => {
  test.each([
    ['the newer one comes last', [0, 1]],
    ['the newer one comes first', [1, 0]],
  ] as const)('%s: it stands, the other is kept aside', (_, order) => {
    const union = new Union(2)
    const sets: Entry[] = [file(1, 'f', 'old', at(0)), file(1, 'f', 'newer', at(1))]
    for (const source of order) union.send(source, sets[source] as Entry)
    expect(union.look()).toEqual(['f newer'])
    expect([union.lost(0), union.lost(1)]).toEqual([['f'], []])
    expect(union.asides()).toEqual(['f old'])
  })

  test('by the order of the sources, where the policy says so', () => {
    const union = new Union(2, 'sourceOrder')
    union.send(1, file(1, 'f', 'newer', at(1)))
    union.send(0, file(1, 'f', 'old', at(0)))
    expect([union.look(), union.lost(0), union.lost(1)]).toEqual([['f old'], [], ['f']])
  })

  test('the one that stood goes: the other is sent again, and until then nothing is missing', () => {
    const union = new Union(2)
    union.send(0, file(1, 'f', 'old', at(0)))
    union.send(1, file(1, 'f', 'newer', at(1)))
    union.send(1, gone(2, 'f'))
    expect(union.look()).toEqual(['f newer'])
    expect(union.settle()).toEqual([])
    expect([union.look(), union.lost(0), union.asides()]).toEqual([['f old'], [], []])
    union.send(0, gone(2, 'f'))
    expect(union.look()).toEqual([])
  })

  test('both end with the same content: there is no conflict any more', () => {
    const union = new Union(2)
    union.send(0, file(1, 'f', 'old', at(0)))
    union.send(1, file(1, 'f', 'newer', at(1)))
    union.send(0, file(2, 'f', 'newer', at(1)))
    expect([union.look(), union.lost(0), union.lost(1), union.asides()]).toEqual([
      ['f newer'],
      [],
      [],
      [],
    ])
  })

  test('one that lost and is written again stands', () => {
    const union = new Union(2)
    union.send(0, file(1, 'f', 'old', at(0)))
    union.send(1, file(1, 'f', 'newer', at(1)))
    union.send(0, file(2, 'f', 'newest', at(2)))
    expect([union.look(), union.lost(0), union.lost(1)]).toEqual([['f newest'], [], ['f']])
    expect(union.asides()).toEqual(['f newer'])
  })

  test('one that stood is set back: the other is sent again', () => {
    const union = new Union(2)
    union.send(0, file(1, 'f', 'old', at(1)))
    union.send(1, file(1, 'f', 'newer', at(2)))
    union.send(1, file(2, 'f', 'set back', at(0)))
    expect(union.settle()).toEqual([])
    expect([union.look(), union.lost(0), union.lost(1)]).toEqual([['f old'], [], ['f']])
    expect(union.asides()).toEqual(['f set back'])
  })

  test('a folder stands before a file, whenever it was made', () => {
    const union = new Union(2)
    union.send(0, file(1, 'f', 'file', at(9)))
    union.send(1, folder(1, 'f', at(0)), file(2, 'f/in', '1', at(0)))
    expect([union.look(), union.lost(0), union.asides()]).toEqual([
      ['f/', 'f/in 1'],
      ['f'],
      ['f file'],
    ])
    union.send(1, gone(3, 'f/in'), gone(4, 'f'))
    expect(union.settle()).toEqual([])
    expect(union.look()).toEqual(['f file'])
  })

  test('a folder that is renamed takes along only what is its own', () => {
    const union = new Union(2)
    union.send(0, folder(1, 'd'), file(2, 'd/one', '1'))
    union.send(1, folder(1, 'd'), file(2, 'd/two', '2'))
    union.send(
      0,
      gone(3, 'd/one'),
      gone(4, 'd'),
      folder(5, 'e', { from: 'd', operation: 'rename' }),
      file(6, 'e/one', '1', { from: 'd/one', operation: 'rename' }),
    )
    expect(union.look()).toEqual(['d/', 'd/two 2', 'e/', 'e/one 1'])
  })

  test('links have conflicts too', () => {
    const union = new Union(2)
    union.send(0, symlink(1, 'l', 'here', at(0)))
    union.send(1, symlink(1, 'l', 'there', at(1)))
    expect([union.look(), union.lost(0)]).toEqual([['l -> there'], ['l']])
  })
})

test('a folder keeps the times of the one that goes before, whoever starts again', () => {
  const union = new Union(2)
  union.send(0, folder(1, '', at(5)))
  union.send(1, folder(1, '', at(1)))
  for (const target of union.targets) target.restart()
  expect(union.tree.lstat(ROOT)?.mtimeNs).toBe(at(5).mtimeNs)
})

describe('a file that has several names at one source, of which another goes before at one', () => {
  const keepingNames = () => {
    const union = new Union(2)
    for (const target of union.targets) target.options = { ...target.options, hardLinks: true }
    return union
  }
  const named = (seq: number, path: string, ...[seconds, content = 'same']: [number, string?]) =>
    file(seq, path, content, {
      ...at(seconds),
      fileKey: fromText('key') as FileKey,
      hasOtherNames: true,
    })
  const times = ({ tree }: Union) => ['a', 'b'].map((path) => tree.lstat(path as RelPath)?.mtimeNs)

  test('a further name is not of what the other has put there', () => {
    const union = keepingNames()
    union.send(0, file(1, 'a', 'same', at(5)))
    union.send(1, named(1, 'a', 1))
    union.send(1, named(2, 'b', 1))
    expect(times(union)).toEqual([at(5).mtimeNs, at(1).mtimeNs])
  })

  test('what the other comes to is a file of its own from then on', () => {
    const union = keepingNames()
    union.send(1, named(1, 'a', 1), named(2, 'b', 1))
    union.send(0, file(1, 'a', 'same', at(1)))
    union.send(1, named(3, 'a', 0), named(4, 'b', 0))
    expect(times(union)).toEqual([at(1).mtimeNs, at(0).mtimeNs])
  })
})

describe('what a source holds back', () => {
  const held = (seq: number, path: string) => gone(seq, path, 'held')

  test('never comes again: the next one does', () => {
    const union = new Union(3)
    union.send(0, file(1, 'f', 'old', at(0)))
    union.send(1, file(1, 'f', 'newer', at(1)))
    union.send(2, folder(1, 'f', at(0)))
    union.send(2, gone(2, 'f'))
    union.send(1, held(2, 'f'))
    expect([union.settle(), union.look(), union.lost(0)]).toEqual([[], ['f old'], []])
  })

  test('is asked for under the version that its source has of it', () => {
    const union = new Union(2)
    union.send(1, folder(1, 'f'))
    union.send(0, file(1, 'f', 'file', at(9)))
    union.send(0, held(2, 'f'))
    expect([union.lost(0), union.asides()]).toEqual([['f'], ['f file']])
    union.send(1, gone(2, 'f'))
    expect([union.settle(), union.look(), union.lost(0)]).toEqual([[], [], []])
  })

  test('stays where another lies there, until it is let go', () => {
    const union = new Union(2)
    union.send(0, file(1, 'f', 'old', at(0)))
    union.send(1, file(1, 'f', 'newer', at(1)))
    union.send(1, gone(2, 'f'))
    union.send(0, held(2, 'f'))
    expect([union.settle(), union.look()]).toEqual([[], ['f newer']])
    union.send(0, gone(3, 'f'))
    expect([union.settle(), union.look()]).toEqual([[], []])
  })
})

describe('a set of another source ends between the look of a set and its work', () => {
  test('what is held back, and had to come again by then, does not', () => {
    const union = new Union(3)
    union.send(0, file(1, 'f', 'old', at(0)))
    union.send(1, file(1, 'f', 'newer', at(1)))
    union.send(2, folder(1, 'f', at(0)))
    const beforeApply = () => union.send(2, gone(2, 'f'))
    union.targets[1]?.deliver([gone(2, 'f', 'held')], { beforeApply })
    expect([union.settle(), union.look(), union.lost(0)]).toEqual([[], ['f old'], []])
  })

  test('what is only named again, and has to come again by then, does', () => {
    const union = new Union(2)
    union.send(0, file(1, 'f', 'old', at(0)))
    union.send(1, file(1, 'f', 'newer', at(1)))
    const beforeApply = () => union.send(1, gone(2, 'f'))
    union.targets[0]?.deliver([file(1, 'f', 'old', at(0))], { kind: 'full', beforeApply })
    expect([union.settle(), union.look(), union.lost(0)]).toEqual([[], ['f old'], []])
  })
})

test('what was there before any source came is held back from each of them', () => {
  const union = new Union(2)
  union.targets[0]?.tree.createWhole('f' as never, new TextEncoder().encode('extra'), {
    mode: 0o644,
    owner: null,
    mtimeNs: null,
  })
  union.send(0, file(1, 'f', 'x'))
  union.send(1, file(1, 'f', 'y'))
  expect(union.targets.map((target) => target.hold?.updates)).toEqual([1, 1])
  expect(union.look()).toEqual(['f extra'])
})
