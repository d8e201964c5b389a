import { afterEach, beforeEach, describe, expect, test } from 'bun:test'

import type { ApplyOptions } from '../../../src/core/apply/options.ts'
import type { ReadTree, TargetTree } from '../../../src/core/apply/target-tree.ts'
import { toText } from '../../../src/core/base/byte-string.ts'
import { ROOT, type RelPath, child } from '../../../src/core/path/rel-path.ts'
import { MemoryIndex } from '../../fakes/memory-index.ts'
import { at, put } from '../../platform/tree.suite.ts'
import { Target, file, folder, gone } from './harness.ts'
import { LINK_CASES, named, update } from './link-cases.ts'

/** Names of one file, joined by `=`, in order; files with one name are left out. */
export function groupsIn(tree: ReadTree): string[] {
  const names = new Map<bigint, string[]>()
  const visit = (folder_: RelPath): void => {
    for (const name of (tree.list(folder_) ?? []).toSorted()) {
      const path = child(folder_, name)
      const state = tree.lstat(path)
      if (state?.type === 'directory') visit(path)
      if (state?.type !== 'file') continue
      names.set(state.inode, [...(names.get(state.inode) ?? []), toText(path).text])
    }
  }
  visit(ROOT)
  return [...names.values()]
    .filter((group) => group.length > 1)
    .map((group) => group.join('='))
    .toSorted()
}

/** What the machine does with names of one file, on any tree that keeps to the contract. */
export function applyLinksSuite(
  name: string,
  make: () => { tree: TargetTree; dispose: () => void },
): void {
  describe(name, () => {
    let fixture: ReturnType<typeof make>
    const target = (options: Partial<ApplyOptions> = {}) =>
      new Target({ hardLinks: true, ...options }, fixture.tree)
    const look = (path: string) => fixture.tree.lstat(at(path))
    beforeEach(() => {
      fixture = make()
    })
    afterEach(() => fixture.dispose())

    /** Whether the index says of every file what is true: nothing has to be read to use it. */
    const expectKnown = (to: Target): void => {
      for (const row of to.index.below(ROOT, 1000)) {
        if (row.state.type !== 'file') continue
        const disk = look(row.path)
        const known = [row.stat.ctimeNs, row.sharedCtimeNs]
        expect([row.path, known.includes(disk?.ctimeNs ?? 0n)]).toEqual([row.path, true])
      }
    }

    test.each(LINK_CASES)('$name', ({ before, change, after, groups, wanted = [] }) => {
      const to = target()
      to.deliver(before)
      const result = to.deliver(change)
      expect(result.failed).toEqual([])
      expect(to.look()).toEqual([...after])
      expect(groupsIn(to.tree)).toEqual([...groups])
      expect(result.wanted).toEqual([...wanted])
      expect(to.index.notes().counts).toEqual([])
      expectKnown(to)
      const again = to.deliver(change, { from: 0, to: change.at(-1)?.seq ?? 0 })
      expect(again.wanted).toEqual([])
      expect(groupsIn(to.tree)).toEqual([...groups])
      expectKnown(to)
    })

    test.each(LINK_CASES)('$name, entry by entry', ({ before, change, after, groups }) => {
      const to = target()
      for (const entry of before) to.deliver([entry])
      for (const entry of change) to.deliver([entry])
      expect(to.look()).toEqual([...after])
      expect(groupsIn(to.tree)).toEqual([...groups])
      expectKnown(to)
    })

    test.each(LINK_CASES)('$name, at first contact with all of it there already', (one) => {
      const from = target()
      from.deliver(one.before)
      from.deliver(one.change)
      const rest = new Map([...one.before, ...one.change].map((entry) => [entry.path, entry]))
      const live = [...rest.values()].filter(({ state }) => state !== null)
      const sorted = live.toSorted((left, right) => left.seq - right.seq)
      const inodes = () =>
        one.groups.flatMap((group) => group.split('=').map((p) => look(p)?.inode))
      const before = inodes()
      const to = target()
      const { wanted, failed } = to.deliver(sorted)
      expect([wanted, failed]).toEqual([[], []])
      expect(groupsIn(to.tree)).toEqual([...one.groups])
      // What is right stays as it is.
      expect(inodes()).toEqual(before)
      expectKnown(to)
    })

    test('a policy that does not ask for it has a file of its own for each name', () => {
      const to = target({ hardLinks: false })
      const { wanted, failed } = to.deliver([
        named(1, 'a', '1+', 'one'),
        named(2, 'b', '1+', 'one'),
        named(3, 'c', '1+', 'one'),
      ])
      // The content comes once all the same: that is for the source to say.
      expect([wanted, failed]).toEqual([['a'], []])
      expect(to.look()).toEqual(['a one', 'b one', 'c one'])
      expect(groupsIn(to.tree)).toEqual([])
    })

    test('a policy that asks no more has them split, and one that asks again joined', () => {
      const names = ['a', 'b', 'c']
      const index = new MemoryIndex()
      const under = (hardLinks: boolean) => new Target({ hardLinks }, fixture.tree, index)
      under(true).deliver(names.map((path, at_) => named(1 + at_, path, '1+', 'one')))
      expect(groupsIn(fixture.tree)).toEqual(['a=b=c'])
      const without = under(false).deliver(names.map((path, at_) => file(11 + at_, path, 'one')))
      expect([without.wanted, without.failed]).toEqual([[], []])
      expect(groupsIn(fixture.tree)).toEqual([])
      const again = under(true)
      again.deliver(names.map((path, at_) => named(21 + at_, path, '1+', 'one')))
      expect(again.look()).toEqual(['a one', 'b one', 'c one'])
      expect(groupsIn(fixture.tree)).toEqual(['a=b=c'])
      expectKnown(again)
    })

    test('names that others gave a file here do not change with it', () => {
      const to = target()
      to.deliver([named(1, 'a', '1', 'one')])
      put(to.tree, at('theirs'), 'theirs')
      to.tree.unlink(at('theirs'))
      to.tree.link(at('a'), at('theirs'))
      to.deliver([named(2, 'a', '1', 'one', { mode: 0o600 })])
      expect(look('a')?.mode).toBe(0o600)
      expect(look('theirs')).toMatchObject({ mode: 0o600 })
      // What is another file at the source does not share its metadata with a name that is not ours.
      to.tree.unlink(at('theirs'))
      to.tree.link(at('a'), at('theirs'))
      to.deliver([named(3, 'a', '2', 'one', { mode: 0o640 })])
      expect(look('a')?.mode).toBe(0o640)
      expect(look('theirs')?.mode).toBe(0o600)
    })

    /** What lies at `of` gets a further name, or one instead of what lies there; by somebody on this host. */
    const linkHere = (of: string, name: string): void => {
      if (look(name) !== null) fixture.tree.unlink(at(name))
      fixture.tree.link(at(of), at(name))
    }

    const SINGLE = [named(1, 'a', '1', 'one'), named(2, 'b', '2', 'one')]
    const DOUBLE = [
      named(1, 'a', '1+', 'one'),
      named(2, 'b', '2+', 'one'),
      named(3, 'c', '1+', 'one'),
      named(4, 'd', '2+', 'one'),
    ]

    test.each([
      ['two files', SINGLE, []],
      ['two files with names', DOUBLE, ['a=c', 'b=d']],
    ] as const)(
      '%s that are one on this host at first contact do not stay one',
      (_what, entries, groups) => {
        for (const inOneSet of [true, false]) {
          target().deliver([named(1, 'a', '1', 'one')])
          for (const { path } of entries.slice(1)) linkHere('a', path)
          const to = target()
          if (inOneSet) expect(to.deliver(entries).wanted).toEqual([])
          else for (const entry of entries) expect(to.deliver([entry]).wanted).toEqual([])
          expect(groupsIn(to.tree)).toEqual([...groups])
          to.deliver([named(9, 'b', '2', 'one', { mode: 0o600 })])
          expect([look('a')?.mode, look('b')?.mode]).toEqual([0o644, 0o600])
        }
      },
    )

    test('a file that somebody on this host made a name of another is its own again', () => {
      const to = target()
      to.deliver(SINGLE)
      linkHere('a', 'b')
      to.deliver([named(3, 'b', '2', 'one', { mode: 0o600 })])
      expect(groupsIn(to.tree)).toEqual([])
      expect([look('a')?.mode, look('b')?.mode]).toEqual([0o644, 0o600])
    })

    test('names do not join what somebody on this host made of one of them', () => {
      const to = target()
      to.deliver([...SINGLE, named(3, 'x', '3', 'one')])
      linkHere('x', 'a')
      to.deliver([update(named(4, 'a', '1+', 'one')), named(5, 'c', '1+', 'one')])
      expect(groupsIn(to.tree)).toEqual(['a=c'])
      linkHere('b', 'c')
      linkHere('b', 'a')
      to.deliver([named(6, 'd', '1+', 'one')])
      to.deliver([update(named(7, 'a', '1+', 'one')), update(named(8, 'c', '1+', 'one'))])
      expect(groupsIn(to.tree)).toEqual(['a=c=d'])
    })

    test('names that another journal of the same source tells of stay what they are', () => {
      const names = (seq: number, key: string) =>
        ['a', 'b', 'c'].map((path, index) => named(seq + index, path, key, 'one'))
      const to = target()
      to.deliver(names(1, '1+'))
      const inode = look('a')?.inode
      to.deliver(names(11, '2+'))
      expect(look('a')?.inode).toBe(inode ?? 0n)
      expect(groupsIn(to.tree)).toEqual(['a=b=c'])
    })

    test('what two sources have of one folder is never joined', () => {
      const [one, other] = [target(), target()]
      one.deliver([named(1, 'a', '1+', 'one'), named(2, 'c', '1+', 'one')])
      other.deliver([named(1, 'b', '1+', 'one'), named(2, 'd', '1+', 'one')])
      expect(groupsIn(fixture.tree)).toEqual(['a=c', 'b=d'])
    })

    test('a name that is left out by now stays what it was', () => {
      const to = target()
      to.deliver([named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')])
      to.deliver([{ ...gone(3, 'b'), operation: 'excluded' }])
      expect(groupsIn(to.tree)).toEqual(['a=b'])
      to.deliver([update(named(4, 'a', '1+', 'two'))])
      expect(to.look()).toEqual(['a two', 'b one'])
      to.deliver([gone(5, 'a')])
      expect(to.look()).toEqual(['b one'])
    })

    test('a name that is withheld stays while the others go on', () => {
      const to = target()
      to.deliver([named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')])
      to.deliver([{ ...gone(3, 'b'), operation: 'held' }, update(named(4, 'a', '1', 'two'))])
      expect(to.look()).toEqual(['a two', 'b one'])
      to.deliver([gone(5, 'b')])
      expect(to.look()).toEqual(['a two'])
    })

    test('other content comes to all of many names, in whatever order', () => {
      const names = ['z', ...Array.from({ length: 40 }, (_, index) => `n${index}`)]
      const to = target()
      to.deliver(names.map((path, index) => named(1 + index, path, '1+', 'one')))
      for (const [index, path] of names.entries())
        to.deliver([update(named(101 + index, path, '1+', 'two'))])
      expect(groupsIn(to.tree)).toEqual([names.toSorted().join('=')])
      expectKnown(to)
    })

    test('what somebody changed here is not taken for another name', () => {
      const to = target()
      to.deliver([named(1, 'a', '1', 'one')])
      to.tree.unlink(at('a'))
      put(to.tree, at('a'), 'ten')
      const { wanted } = to.deliver([named(2, 'b', '1+', 'one')])
      expect(wanted).toEqual(['b'])
      expect(to.look()).toEqual(['a ten', 'b one'])
    })

    test('names end as one although their modes came one after the other', () => {
      const to = target()
      to.deliver([named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')])
      to.deliver([named(3, 'a', '1+', 'one', { mode: 0o600, mtimeNs: 5n })])
      expect(look('b')).toMatchObject({ mode: 0o600, mtimeNs: 5n })
      to.deliver([named(4, 'b', '1+', 'one', { mode: 0o600, mtimeNs: 5n })])
      expect(groupsIn(to.tree)).toEqual(['a=b'])
      expectKnown(to)
    })

    test('a name in the way of nothing of ours waits, and the other names do not', () => {
      put(fixture.tree, at('a'), 'mine')
      const to = target()
      const { held, wanted } = to.deliver([
        named(1, 'a', '1+', 'one'),
        named(2, 'b', '1+', 'one'),
        named(3, 'c', '1+', 'one'),
      ])
      expect(held).toEqual(['a EXTRA_IN_THE_WAY'])
      expect(wanted).toEqual(['a'])
      expect(to.look()).toEqual(['a mine', 'b one', 'c one'])
      expect(groupsIn(to.tree)).toEqual(['b=c'])
      to.tree.unlink(at('a'))
      const retry = to.deliver([named(1, 'a', '1+', 'one')], { kind: 'retry' })
      expect([retry.failed, retry.wanted]).toEqual([[], []])
      expect(groupsIn(to.tree)).toEqual(['a=b=c'])
    })

    test('content that does not come comes under no name, and under all of them later', () => {
      const to = target()
      const entries = [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')]
      const { failed } = to.deliver(entries, { tampered: true })
      expect(failed).toEqual(['a HASH_MISMATCH', 'b HASH_MISMATCH'])
      expect(to.look()).toEqual([])
      expect(to.deliver(entries, { kind: 'retry' }).failed).toEqual([])
      expect(groupsIn(to.tree)).toEqual(['a=b'])
    })

    test('what the source could not read is pending under each of its names', () => {
      const to = target()
      const entries = [named(1, 'a', '1+', 'one'), named(2, 'b', '1+', 'one')]
      const unavailable = new Map([1, 2].map((seq) => [seq, 'NO_PERMISSION'] as const))
      expect(to.deliver(entries, { unavailable }).failed).toEqual([
        'a NO_PERMISSION',
        'b NO_PERMISSION',
      ])
    })

    test('hashes that are found only while sending count for all names', () => {
      const to = target()
      const late = named(1, 'a', '1+', 'one')
      const hash = late.state?.hash ?? null
      if (hash === null) throw new Error('a file has a hash')
      const unhashed = [late, named(2, 'b', '1+', 'one')].map((entry) => ({
        ...entry,
        state: entry.state && { ...entry.state, hash: null },
      }))
      for (const { seq } of unhashed) to.late.set(seq, hash)
      const { wanted, failed } = to.deliver(unhashed)
      expect([wanted, failed]).toEqual([['a'], []])
      expect(groupsIn(to.tree)).toEqual(['a=b'])
    })

    test('all names go with all that was said of them', () => {
      const to = target()
      to.deliver([folder(1, 'd'), named(2, 'd/a', '1+', 'one'), named(3, 'b', '1+', 'one')])
      to.deliver([gone(4, 'd/a'), gone(5, 'd'), gone(6, 'b')])
      expect(to.look()).toEqual([])
      to.deliver([named(7, 'b', '1+', 'two')])
      expect(to.look()).toEqual(['b two'])
      expectKnown(to)
    })
  })
}
