import { readSync, writeSync } from 'node:fs'

import { type Attempt, attemptError, describe } from './attempt.ts'
import { type ConfinedRoot } from './confined-root.ts'
import { FICLONE } from './linux-numbers.ts'
import { fileError } from './system-error.ts'

interface CopyEnds {
  readonly source: number
  readonly target: number
}

/** One call copies at most this many bytes, so that it ends in reasonable time. */
const KERNEL_COPY_BYTES = 1 << 30
const BUFFER_BYTES = 1 << 20

/** With these a file system says that it cannot copy by itself, not that copying failed. */
const CANNOT_COPY: ReadonlySet<string> = new Set([
  'EXDEV',
  'EINVAL',
  'ENOSYS',
  'EOPNOTSUPP',
  'EPERM',
])

/** Copies all content into an empty file: by sharing blocks, else in the kernel, else by reading and writing. */
export function copyContent(root: ConfinedRoot, attempt: Attempt, ends: CopyEnds): void {
  const { call, numbers } = root.kernel
  if (call(numbers.ioctl, ends.target, FICLONE, ends.source, 0, 0, 0) === 0) return
  if (!copyInKernel(root, attempt, ends)) copyThroughMemory(attempt, ends)
}

/** False where the file system refuses before the first byte. */
function copyInKernel(root: ConfinedRoot, attempt: Attempt, { source, target }: CopyEnds): boolean {
  const { call, numbers } = root.kernel
  for (let copied = 0; ;) {
    const length = call(numbers.copy_file_range, source, 0, target, 0, KERNEL_COPY_BYTES, 0)
    if (length === 0 && copied > 0) return true
    // Files made up by the kernel have no size and give nothing here, but can be read.
    if (length === 0) return false
    if (length < 0) {
      const name = root.errno()
      if (copied === 0 && CANNOT_COPY.has(name)) return false
      throw attemptError(attempt, name)
    }
    copied += length
  }
}

function copyThroughMemory(attempt: Attempt, { source, target }: CopyEnds): void {
  const buffer = new Uint8Array(BUFFER_BYTES)
  try {
    for (let position = 0; ;) {
      const length = readSync(source, buffer, 0, buffer.length, position)
      if (length === 0) return
      for (let written = 0; written < length;) {
        written += writeSync(target, buffer, written, length - written)
      }
      position += length
    }
  } catch (error) {
    throw fileError(describe(attempt), error)
  }
}
