import { expect, test } from 'bun:test'

import type { ReadTree } from '../../../src/core/apply/target-tree.ts'
import type { Entry, SentState } from '../../../src/core/change/entry.ts'
import {
  ROOT,
  type RelPath,
  child,
  isBelow,
  isStaging,
  parent,
} from '../../../src/core/path/rel-path.ts'
import { hashBytes } from '../../../src/platform/hash.ts'
import { get } from '../../platform/tree.suite.ts'
import { Dice } from '../../sim/dice.ts'
import { MTIME, file, folder, gone, symlink } from './harness.ts'
import { Union } from './union.ts'

const SEEDS = 200
const NAMES = ['a', 'b', 'a/a', 'a/b', 'b/a', 'a/b/c'] as RelPath[]
const RULES = ['newest', 'sourceOrder'] as const

/** A source that changes at random, and remembers what it has. */
class RandomSource {
  readonly entries = new Map<RelPath, Entry & { state: SentState }>()
  readonly #dice: Dice
  #seq = 0

  constructor(dice: Dice) {
    this.#dice = dice
  }

  /** Changes something; gives the entries that say so. */
  next(): Entry[] {
    const path = this.#dice.pick(NAMES) ?? ROOT
    const above = parent(path)
    if (above !== '' && above !== null && this.entries.get(above)?.state.type !== 'directory')
      return []
    const left = this.#leave(path)
    if (this.#dice.below(10) < 3) return left
    const isFolder = path.length < 5 && this.#dice.below(10) < 4
    const made = this.#make(path, isFolder)
    this.entries.set(path, made)
    // What is replaced goes without an entry of its own.
    return [...left.filter((entry) => entry.path !== path), made]
  }

  #leave(path: RelPath): Entry[] {
    const below = [...this.entries.keys()].filter((one) => one === path || isBelow(one, path))
    for (const one of below) this.entries.delete(one)
    return below.map((one) => gone(++this.#seq, one))
  }

  #make(path: RelPath, isFolder: boolean): Entry & { state: SentState } {
    const seq = ++this.#seq
    const extra = { mtimeNs: MTIME + BigInt(this.#dice.below(4)) }
    const content = `content ${this.#dice.below(3)}`
    const made = isFolder
      ? folder(seq, path, extra)
      : this.#dice.oneIn(10)
        ? symlink(seq, path, content, extra)
        : file(seq, path, content, extra)
    if (made.state === null) throw new Error('it was just made')
    return { ...made, state: made.state }
  }
}

/** What is to lie at each path, said another way than the code under test does. */
function expected(sources: readonly RandomSource[], rule: (typeof RULES)[number]): string[] {
  const paths = new Set(sources.flatMap((source) => [...source.entries.keys()]))
  return [...paths].toSorted().map((path) => {
    const wanted = sources.flatMap((source, order) => {
      const state = source.entries.get(path)?.state
      return state === undefined ? [] : [{ state, order }]
    })
    const folders = wanted.filter(({ state }) => state.type === 'directory')
    const among = folders.length > 0 ? folders : wanted
    const [first] = among.toSorted((one, other) =>
      rule === 'newest' && one.state.mtimeNs !== other.state.mtimeNs
        ? Number(other.state.mtimeNs - one.state.mtimeNs)
        : one.order - other.order,
    )
    const { type, hash, linkTarget, mtimeNs } = first?.state ?? {}
    return `${path} ${type} ${mtimeNs} ${hash ?? linkTarget ?? ''}`
  })
}

function found(tree: ReadTree, below: RelPath = ROOT): string[] {
  const paths = (tree.list(below) ?? []).map((name) => child(below, name))
  return paths
    .filter((path) => !isStaging(path))
    .flatMap((path) => {
      const state = tree.lstat(path)
      const hash = state?.type === 'file' ? hashBytes(Buffer.from(get(tree, path) ?? '')) : null
      const own = `${path} ${state?.type} ${state?.mtimeNs} ${hash ?? state?.linkTarget ?? ''}`
      return state?.type === 'directory' ? [own, ...found(tree, path)] : [own]
    })
}

test.each(RULES)('whatever sources do, in whatever order it comes: %s', (rule) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const dice = new Dice(seed)
    const count = 2 + dice.below(2)
    const union = new Union(count, rule)
    const sources = Array.from({ length: count }, () => new RandomSource(dice))
    for (let step = 0; step < 25; step++) {
      const order = dice.below(count)
      const entries = Array.from({ length: 1 + dice.below(3) }, () => sources[order]?.next() ?? [])
      union.send(order, ...newestOf(entries.flat()))
      if (dice.oneIn(5)) union.settle()
    }
    const pending = union.settle()
    expect({ seed, pending, tree: found(union.tree).toSorted() }).toEqual({
      seed,
      pending: [],
      tree: expected(sources, rule).toSorted(),
    })
  }
})

/** A set names each path once. */
function newestOf(entries: readonly Entry[]): Entry[] {
  const newest = new Map(entries.map((entry) => [entry.path, entry]))
  return [...newest.values()].toSorted((one, other) => one.seq - other.seq)
}
