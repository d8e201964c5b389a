import type { ReadTree, TargetTree } from '../core/apply/target-tree.ts'
import { AppError } from '../core/base/errors.ts'
import { ConfinedReadTree } from './confined-read-tree.ts'
import { ConfinedTargetTree } from './confined-target-tree.ts'
import { PortableReadTree } from './portable-tree.ts'

/**
 * Opens a folder for reading: confined by the kernel on Linux, elsewhere as well as the system allows.
 * ROOT_MISSING where it does not exist or is no folder, NO_PERMISSION where it may not be read.
 */
export function openReadTree(path: string): ReadTree {
  return process.platform === 'linux' ? new ConfinedReadTree(path) : new PortableReadTree(path)
}

/** Opens a folder for writing, confined by the kernel; PLATFORM_UNSUPPORTED where it cannot do that. */
export function openTargetTree(path: string): TargetTree {
  if (process.platform === 'linux') return new ConfinedTargetTree(path)
  const message = `cannot write below "${path}": receiving is for Linux, this is ${process.platform}`
  throw new AppError('PLATFORM_UNSUPPORTED', message)
}
