import type { ReadTree } from '../../src/core/apply/target-tree.ts'
import type { MemoryTree } from '../fakes/memory-tree.ts'
import type { SimRoot } from './sim-root.ts'

/** What somebody looks at, and in the middle of which something may happen. */
export type Looking = 'file' | 'folder'

/** The folder of a source as detection and the sender open it; `onLook` is called whenever they look into it. */
export function openSourceTree(root: SimRoot, onLook: (at: Looking) => void): ReadTree {
  const tree: MemoryTree = root.open()
  return {
    lstat: (path) => tree.lstat(path),
    lstatClosely: (path, kinds) => tree.lstatClosely(path, kinds),
    list: (folder) => {
      onLook('folder')
      return tree.list(folder)
    },
    isBeingWritten: () => null,
    identity: () => root.identityOf(tree),
    close: () => undefined,
    open: (path) => {
      onLook('file')
      const handle = tree.open(path)
      if (handle === null) return null
      return {
        ...handle,
        read: (buffer, position) => {
          const count = handle.read(buffer, position)
          onLook('file')
          return count
        },
      }
    },
  }
}
