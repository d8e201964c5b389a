import type { TargetTree } from '../../core/apply/target-tree.ts'
import { type KnownRoot, RootChanged, isSameRoot } from '../../core/change/known-root.ts'

/** Where the identity of a root is kept. */
export interface RootMemory {
  root(): KnownRoot | null
  keepRoot(root: KnownRoot): void
}

/**
 * Makes sure that a target's root is still the folder it was: a file system that was not mounted, or another one
 * mounted in its place, must never be written into. Throws ROOT_MISSING, ROOT_CHANGED.
 */
export function checkRoot(
  tree: Pick<TargetTree, 'identity'>,
  memory: Pick<RootMemory, 'root'>,
  path: string,
): void {
  const found = rootOf(tree)
  const known = memory.root()
  if (known === null || isSameRoot(known, found)) return
  throw new RootChanged(
    `cannot write below ${JSON.stringify(path)}: it is not the folder that was received into before`,
    found,
  )
}

/**
 * What a binding remembers of its root; before its own first set, what the others of the same root do. Each keeps it for
 * itself: it must not be forgotten with another source.
 */
export function sharedMemory(
  own: RootMemory,
  others: readonly Pick<RootMemory, 'root'>[],
): Pick<RootMemory, 'root'> {
  return {
    root: () =>
      own.root() ?? others.map((other) => other.root()).find((root) => root !== null) ?? null,
  }
}

/** Remembers the root from now on, once something is to be written there. */
export function learnRoot(tree: Pick<TargetTree, 'identity'>, memory: RootMemory): void {
  if (memory.root() === null) memory.keepRoot(rootOf(tree))
}

/** What the folder is that a tree has for its root. */
export function rootOf(tree: Pick<TargetTree, 'identity'>): KnownRoot {
  const { inode, birthNs, isMountPoint } = tree.identity()
  return { inode, birthNs, isMountPoint }
}
