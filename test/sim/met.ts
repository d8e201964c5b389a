import { ASIDES } from './invariants.ts'
import type { World } from './world.ts'

/** What happened in a run, by name: that nothing is checked which never happens. */
export class Met {
  readonly #names = new Set<string>()

  add(name: string): void {
    this.#names.add(name)
  }

  /** Looks at what shows between two steps. */
  look({ sources, targets, scenario }: World): void {
    for (const { root, isRootSeen, journal } of sources) {
      if (root.loss !== null && !isRootSeen)
        this.add(`the loss of a source's root is seen: ${root.loss}`)
      if (journal.hold !== null) this.add('deletions are held')
    }
    for (const target of targets) {
      const { bindings, root, ownFiles } = target
      if (ownFiles.size > 0) this.add('own files')
      if ((target.tree.list(ASIDES) ?? []).length > 0) this.add('a file is kept aside')
      if (root.loss !== null && bindings.some(({ isOpen }) => !isOpen))
        this.add(`the loss of a target's root is seen: ${root.loss}`)
      for (const { index } of bindings) {
        if (index.conflicts().length > 0) this.add(`a conflict, by ${scenario.conflict}`)
        for (const { code } of index.pending()) this.add(`pending: ${code}`)
      }
    }
  }

  get names(): ReadonlySet<string> {
    return this.#names
  }
}
