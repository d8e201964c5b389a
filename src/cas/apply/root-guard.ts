import type { TargetTree } from '../../core/apply/target-tree.ts'
import { AppError } from '../../core/base/errors.ts'
import type { KnownRoot } from '../../store/index-binding.ts'

/** Where the identity of a root is kept. */
export interface RootMemory {
  root(): KnownRoot | null
  keepRoot(root: KnownRoot): void
}

/**
 * Makes sure that a target's root is still the folder it was: a file system that was not mounted, or another one
 * mounted in its place, must never be written into. Throws ROOT_MISSING, ROOT_CHANGED.
 */
export function checkRoot(tree: TargetTree, memory: RootMemory, path: string): void {
  const { inode, isMountPoint } = tree.identity()
  const known = memory.root()
  if (known === null || (known.inode === inode && known.isMountPoint === isMountPoint)) return
  throw new AppError(
    'ROOT_CHANGED',
    `cannot write below ${JSON.stringify(path)}: it is not the folder that was received into before`,
  )
}

/** Remembers the root from now on, once something is to be written there. */
export function learnRoot(tree: TargetTree, memory: RootMemory): void {
  if (memory.root() !== null) return
  const { inode, isMountPoint } = tree.identity()
  memory.keepRoot({ inode, isMountPoint })
}
