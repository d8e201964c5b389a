import type { Siblings } from '../../../src/core/apply/siblings.ts'
import { siblingsOf } from '../../../src/core/apply/siblings.ts'
import type { TargetTree } from '../../../src/core/apply/target-tree.ts'
import type { Entry } from '../../../src/core/change/entry.ts'
import type { RelPath } from '../../../src/core/path/rel-path.ts'
import { MemoryIndex } from '../../fakes/memory-index.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { Target } from './harness.ts'

/** Several sources that come to one root: a target of one binding each, over one tree. */
export class Union {
  readonly tree: TargetTree
  readonly targets: readonly Target[]
  /** What each source sent last of each path. */
  readonly #sent: Map<RelPath, Entry>[]

  constructor(count: number, conflict: Siblings['conflict'] = 'newest', tree = new MemoryTree()) {
    this.tree = tree
    const all = new Map<string, MemoryIndex>()
    const places = Array.from({ length: count }, (_, order) => {
      const bindingId = `s${order}`
      return { bindingId, order, index: new MemoryIndex(bindingId, all) }
    })
    this.#sent = places.map(() => new Map())
    this.targets = places.map(({ bindingId, order, index }) => {
      const target = new Target({ firstContact: 'hold' }, tree, index)
      target.bindingId = bindingId
      const others = places.filter((place) => place.order !== order)
      target.siblings = siblingsOf({ order, conflict }, others)
      return target
    })
  }

  /** A source sends a set. */
  send(order: number, ...entries: Entry[]): readonly string[] {
    for (const entry of entries) this.#sent[order]?.set(entry.path, entry)
    return this.#target(order).deliver(entries).failed
  }

  /** Sources send again what is pending, until nothing is; gives what stays pending. */
  settle(): string[] {
    for (let round = 0; round < 10; round++) {
      const waiting = this.targets.map((target) => target.index.pending())
      if (waiting.every((pending) => pending.length === 0)) return []
      for (const [order, pending] of waiting.entries()) {
        const entries = pending.flatMap(({ path, seq }) => {
          const entry = this.#sent[order]?.get(path)
          return entry?.seq === seq ? [entry] : []
        })
        if (entries.length > 0) this.#target(order).deliver(entries, { kind: 'retry' })
      }
    }
    return this.targets.flatMap((target) => target.index.pending().map(({ path }) => path))
  }

  /** The tree as text, without what is kept aside. */
  look(): string[] {
    return this.#target(0)
      .look()
      .filter((line) => !line.startsWith('.cd-staging'))
  }

  /** The contents that are kept aside. */
  asides(): string[] {
    return this.#target(0)
      .look()
      .filter((line) => line.startsWith('.cd-staging/conflicts/') && !line.endsWith('/'))
      .map((line) => line.replace(/^.*\/[0-9a-f]{32}-/, ''))
      .toSorted()
  }

  /** Paths of a source at which another version lies. */
  lost(order: number): string[] {
    const { newest } = this.#target(order).index.notes()
    return newest
      .flatMap(({ code, path }) => (code === 'CONFLICT' ? [path as string] : []))
      .toSorted()
  }

  #target(order: number): Target {
    const target = this.targets[order]
    if (target === undefined) throw new Error(`there is no source ${order}`)
    return target
  }
}
