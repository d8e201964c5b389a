import { ftruncateSync, readSync, writeSync } from 'node:fs'

import { type Attempt, attemptError, describe } from './attempt.ts'
import { type ConfinedRoot } from './confined-root.ts'
import { FICLONE, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET } from './linux-numbers.ts'
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

/** Copies what is no hole. False where the file system refuses before the first byte. */
function copyInKernel(root: ConfinedRoot, attempt: Attempt, ends: CopyEnds): boolean {
  const { call, numbers } = root.kernel
  const seek = (descriptor: number, position: number, whence: number): number =>
    Number(call(numbers.lseek, descriptor, position, whence, 0, 0, 0))
  const size = seek(ends.source, 0, SEEK_END)
  // Files made up by the kernel have no size, but can be read; a folder has one beyond all bounds, and cannot.
  if (size <= 0 || size > Number.MAX_SAFE_INTEGER) return false
  for (let position = 0; position < size;) {
    const start = seek(ends.source, position, SEEK_DATA)
    if (start < 0 && root.errno() === 'ENXIO') break
    const end = start < 0 ? size : seek(ends.source, start, SEEK_HOLE)
    for (const descriptor of [ends.source, ends.target])
      seek(descriptor, Math.max(start, position), SEEK_SET)
    const copied = copyRange(root, attempt, { ...ends, bytes: end - Math.max(start, position) })
    if (copied === 'cannot' && position === 0) return false
    // It was cut short meanwhile: the copy's size shows it.
    if (copied !== 'whole') return true
    position = end
  }
  try {
    ftruncateSync(ends.target, size)
  } catch (error) {
    throw fileError(describe(attempt), error)
  }
  return true
}

function copyRange(
  root: ConfinedRoot,
  attempt: Attempt,
  { source, target, bytes }: CopyEnds & { readonly bytes: number },
): 'whole' | 'short' | 'cannot' {
  const { call, numbers } = root.kernel
  for (let left = bytes; left > 0;) {
    const wanted = Math.min(left, KERNEL_COPY_BYTES)
    const length = call(numbers.copy_file_range, source, 0, target, 0, wanted, 0)
    if (length === 0) return left === bytes ? 'cannot' : 'short'
    if (length < 0) {
      const name = root.errno()
      if (left === bytes && CANNOT_COPY.has(name)) return 'cannot'
      throw attemptError(attempt, name)
    }
    left -= length
  }
  return 'whole'
}

function copyThroughMemory(attempt: Attempt, { source, target }: CopyEnds): void {
  const buffer = new Uint8Array(BUFFER_BYTES)
  try {
    for (let position = 0; ;) {
      const length = readSync(source, buffer, 0, buffer.length, position)
      if (length === 0) return
      for (let written = 0; written < length;) {
        written += writeSync(target, buffer, written, length - written, position + written)
      }
      position += length
    }
  } catch (error) {
    throw fileError(describe(attempt), error)
  }
}
