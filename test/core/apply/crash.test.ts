import { describe, expect, test } from 'bun:test'

import type { Entry } from '../../../src/core/change/entry.ts'
import { ROOT, type RelPath } from '../../../src/core/path/rel-path.ts'
import { Crash, Fuse, FusedIndex } from '../../fakes/fuse.ts'
import { MemoryDisk, type PowerCut } from '../../fakes/memory-disk.ts'
import { MemoryTree, walk } from '../../fakes/memory-tree.ts'
import { get } from '../../platform/tree.suite.ts'
import { CASES } from './cases.ts'
import { Target, file, folder, gone, hashOf } from './harness.ts'
import { LINK_CASES } from './link-cases.ts'
import { groupsIn } from './links.suite.ts'

function fused(before: readonly Entry[]) {
  const fuse = new Fuse()
  const disk = new MemoryDisk()
  const tree = new MemoryTree(disk, () => fuse.burn())
  const target = new Target({ hardLinks: true }, tree, new FusedIndex(fuse))
  if (before.length > 0) target.deliver(before)
  return { fuse, disk, tree, target }
}

/** Runs a set until the process dies at its nth call; false where it came to its end before. */
function diesAt(run: ReturnType<typeof fused>, calls: number, change: readonly Entry[]): boolean {
  run.fuse.light(calls)
  try {
    run.target.deliver(change)
    return false
  } catch (thrown) {
    if (!(thrown instanceof Crash)) throw thrown
    return true
  } finally {
    run.fuse.putOut()
  }
}

const CUTS: readonly (readonly [string, ((unsynced: number) => PowerCut) | null])[] = [
  ['killed', null],
  ['power cut, nothing unsynced is kept', () => ({ keptChanges: 0, losesContent: true })],
  ['power cut, half is kept', (all) => ({ keptChanges: all >> 1, losesContent: true })],
  ['power cut, names are kept', (all) => ({ keptChanges: all, losesContent: true })],
]

/** The contents that lie at each path of these entries, over all versions. */
function versions(sets: readonly (readonly Entry[])[]): Map<RelPath, Set<string>> {
  const known = new Map<RelPath, Set<string>>()
  for (const { path, state } of sets.flat())
    if (state?.type === 'file')
      known.set(path, (known.get(path) ?? new Set()).add(state.hash ?? ''))
  return known
}

function heldHashes(tree: MemoryTree): Map<RelPath, string> {
  const held = new Map<RelPath, string>()
  for (const path of walk(tree, ROOT))
    if (tree.lstat(path)?.type === 'file') held.set(path, hashOf(get(tree, path) ?? ''))
  return held
}

/** Nothing but versions that existed, and what was here and is wanted is here still. */
function expectSound(tree: MemoryTree, before: readonly Entry[], change: readonly Entry[]): void {
  const held = heldHashes(tree)
  const known = versions([before, change])
  for (const [path, hash] of held) expect(known.get(path)?.has(hash) ?? false).toBe(true)
  const wanted = new Set(change.map(({ state }) => state?.hash ?? null))
  const here = new Set(held.values())
  for (const { state } of before) {
    const hash = state?.hash ?? null
    if (hash !== null && wanted.has(hash)) expect(here.has(hash)).toBe(true)
  }
}

describe.each(CUTS)('%s at every call', (_name, cut) => {
  const crashes = (
    before: readonly Entry[],
    change: readonly Entry[],
    then: (run: ReturnType<typeof fused>) => void,
  ): number => {
    for (let calls = 0; ; calls++) {
      const run = fused(before)
      if (!diesAt(run, calls, change)) return calls
      if (cut !== null) run.disk.cutPower(cut(run.disk.unsyncedChanges))
      run.target.restart()
      expect(run.tree.lstat('.cd-staging' as RelPath)).toBeNull()
      then(run)
    }
  }

  test.each(CASES)('$name: nothing is lost, and the set sent again ends it', (one) => {
    const calls = crashes(one.before, one.change, ({ target, tree }) => {
      expectSound(tree, one.before, one.change)
      const result = target.deliver(one.change)
      expect(result.failed).toEqual([])
      expect(target.look()).toEqual([...one.after])
      expect(target.index.claims().size).toBe(0)
    })
    expect(calls).toBeGreaterThan(0)
  })

  test.each(CASES)('$name: what the source did meanwhile arrives as well', (one) => {
    const later = one.change.map((entry) => ({ ...entry, seq: entry.seq + 1000 }))
    const edited = later.map((entry) =>
      entry.state?.type === 'file' ? changed(entry, `${entry.path} edited`) : entry,
    )
    crashes(one.before, one.change, ({ target }) => {
      expect(target.deliver(edited).failed).toEqual([])
      const expected = new Target()
      expected.deliver(one.before)
      expected.deliver(edited)
      expect(target.look()).toEqual(expected.look())
    })
  })

  test.each(CASES)('$name: if all of it is gone meanwhile, nothing is left over', (one) => {
    const all = new Map([...one.before, ...one.change].map((entry) => [entry.path, entry]))
    const deletions = [...all.values()].map(({ path }, index): Entry => ({
      seq: 1000 + index,
      path,
      operation: 'delete',
      state: null,
      from: null,
    }))
    crashes(one.before, one.change, ({ target }) => {
      expect(target.deliver(deletions).failed).toEqual([])
      expect(target.look()).toEqual([])
    })
  })
})

describe.each(CUTS)('names of one file, %s at every call', (_name, cut) => {
  const crashes = (one: (typeof LINK_CASES)[number], then: (target: Target) => void): void => {
    for (let calls = 0; ; calls++) {
      const run = fused(one.before)
      if (!diesAt(run, calls, one.change)) return expect(calls).toBeGreaterThan(0)
      if (cut !== null) run.disk.cutPower(cut(run.disk.unsyncedChanges))
      run.target.restart()
      expectSound(run.tree, one.before, one.change)
      then(run.target)
    }
  }

  test.each(LINK_CASES)('$name: the set sent again ends it', (one) => {
    crashes(one, (target) => {
      expect(target.deliver(one.change).failed).toEqual([])
      expect(target.look()).toEqual([...one.after])
      expect(groupsIn(target.tree)).toEqual([...one.groups])
      expect(target.index.claims().size).toBe(0)
    })
  })

  test.each(LINK_CASES)('$name: so does each entry by itself', (one) => {
    crashes(one, (target) => {
      for (const entry of one.change) {
        const from = Math.min(target.index.watermark()?.seq ?? 0, entry.seq - 1)
        const kind = target.index.watermark() === null ? 'full' : 'incremental'
        target.deliver([entry], kind === 'full' ? {} : { from, kind })
      }
      expect(target.look()).toEqual([...one.after])
      expect(groupsIn(target.tree)).toEqual([...one.groups])
    })
  })
})

function changed(entry: Entry, content: string): Entry {
  const made = file(entry.seq, entry.path, content)
  return { ...made, from: entry.from }
}

test('what a set placed when it died is still ours after sets that do not name it', () => {
  for (let calls = 0; ; calls++) {
    const run = fused([folder(1, 'other')])
    if (!diesAt(run, calls, [file(5, 'a', 'one'), file(6, 'b', 'two')])) break
    run.target.restart()
    // It died after its receipt was written.
    if (run.target.index.watermark()?.seq === 6) continue
    run.target.deliver([file(2, 'other/x', 'x')], { to: 3 })
    expect(run.target.deliver([file(7, 'a', 'new'), gone(8, 'b')]).failed).toEqual([])
    expect(run.target.look()).toEqual(['a new', 'other/', 'other/x x'])
  }
})

test('what a list had placed when it died goes with the next list, which does not name it', () => {
  const lost = [folder(1, 'd'), file(2, 'd/a', 'one'), file(3, 'b', 'two')]
  for (let calls = 0; ; calls++) {
    const run = fused([])
    if (!diesAt(run, calls, lost)) break
    run.target.restart()
    const isApplied = run.target.index.watermark() !== null
    expect(run.target.deliver([file(9, 'c', 'three')]).failed).toEqual([])
    const rest = isApplied ? ['d/', 'd/a one'] : []
    expect(run.target.look()).toEqual([...(isApplied ? ['b two'] : []), 'c three', ...rest])
  }
})
