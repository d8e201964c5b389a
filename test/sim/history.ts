import type { FileType } from '../../src/core/change/entry.ts'
import { type RelPath, ROOT } from '../../src/core/path/rel-path.ts'
import { find } from '../fakes/memory-disk.ts'
import { type MemoryTree, walk } from '../fakes/memory-tree.ts'

/** Everything that ever was at a source. */
export class History {
  readonly #contents = new Map<RelPath, Set<string>>()
  /** Paths that were there and then, at some moment, were not, or were something else. */
  readonly #left = new Set<RelPath>()
  #present = new Map<RelPath, FileType>()

  /** Looks at the source; to be called after whatever may have changed it. */
  note(tree: MemoryTree): void {
    const now = new Map<RelPath, FileType>()
    for (const path of walk(tree, ROOT)) {
      const node = find(tree.disk.world, path)
      if (node === null) continue
      now.set(path, node.type)
      if (node.type === 'file') this.#versionsOf(path).add(textOf(node.content))
    }
    for (const [path, type] of this.#present) if (now.get(path) !== type) this.#left.add(path)
    this.#present = now
  }

  hadContent(path: RelPath, content: string): boolean {
    return this.#contents.get(path)?.has(content) ?? false
  }

  everLeft(path: RelPath): boolean {
    return this.#left.has(path)
  }

  /** Paths at which files were. */
  get paths(): Iterable<RelPath> {
    return this.#contents.keys()
  }

  #versionsOf(path: RelPath): Set<string> {
    const known = this.#contents.get(path) ?? new Set()
    this.#contents.set(path, known)
    return known
  }
}

/** Content that can be compared and shown. */
export function textOf(content: Uint8Array): string {
  return Buffer.from(content).toString('latin1')
}
