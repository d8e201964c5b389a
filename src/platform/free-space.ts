import { statfsSync } from 'node:fs'

import { systemError } from './system-error.ts'

/**
 * Tells how full the file system of a folder is, as far as an ordinary user may fill it. Throws AppError where the
 * folder cannot be asked.
 */
export function freeSpaceOf(path: string): { freeBytes: number; totalBytes: number } {
  try {
    const { bavail, blocks, bsize } = statfsSync(path)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch (thrown) {
    const name = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'EIO'
    throw systemError(`cannot look at the file system of ${JSON.stringify(path)}`, name)
  }
}
