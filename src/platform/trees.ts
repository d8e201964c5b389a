import type { ReadTree, TargetTree } from '../core/apply/target-tree.ts'
import { AppError } from '../core/base/errors.ts'
import { ConfinedReadTree } from './confined-read-tree.ts'
import { ConfinedTargetTree } from './confined-target-tree.ts'
import { PortableReadTree } from './portable-tree.ts'

/**
 * Opens a folder for reading: confined by the kernel where it can do that, else as well as the system allows.
 * ROOT_MISSING where it does not exist or is no folder, NO_PERMISSION where it may not be read.
 */
export function openReadTree(path: string): ReadTree {
  try {
    return new ConfinedReadTree(path)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PLATFORM_UNSUPPORTED') throw error
    return new PortableReadTree(path)
  }
}

/** Opens a folder for writing, confined by the kernel; PLATFORM_UNSUPPORTED where it cannot do that: nothing else will do. */
export function openTargetTree(path: string): TargetTree {
  return new ConfinedTargetTree(path)
}
