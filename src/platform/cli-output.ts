import { AppError, type ErrorCode } from '../core/base/errors.ts'
import { type CliIo, systemReason } from './cli-io.ts'
import { writeFileAtomic } from './file-atomic.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  EACCES: 'NO_PERMISSION',
  EPERM: 'NO_PERMISSION',
  ENOSPC: 'NO_SPACE',
  EROFS: 'READ_ONLY',
}

/**
 * Writes text, which is no secret, to the file that an argument names, whole or not at all; `-` is standard output.
 * NOT_FOUND where its folder does not exist, NO_PERMISSION, NO_SPACE, READ_ONLY, IO_ERROR.
 */
export function writeOutputFile(io: CliIo, path: string, text: string): void {
  if (path === '-') return io.writeStdout(text)
  try {
    writeFileAtomic(path, text, 0o644)
  } catch (cause) {
    const system = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const message = `cannot write "${path}": ${systemReason(cause)}`
    throw new AppError(CODES[system] ?? 'IO_ERROR', message, { cause })
  }
}
