import { AppError, type ErrorCode } from '../core/base/errors.ts'

/** What the system's error names mean to a user. What is not listed is IO_ERROR under its own name. */
const MEANING: Record<string, readonly [code: ErrorCode, words: string]> = {
  ENOENT: ['NOT_FOUND', 'no such file or folder'],
  EACCES: ['NO_PERMISSION', 'permission denied'],
  EPERM: ['NO_PERMISSION', 'operation not permitted'],
  ENOSPC: ['NO_SPACE', 'no space left'],
  EDQUOT: ['NO_SPACE', 'quota exceeded'],
  EFBIG: ['NO_SPACE', 'file too large for the file system'],
  EMLINK: ['NO_SPACE', 'too many links'],
  ENAMETOOLONG: ['NAME_TOO_LONG', 'name too long'],
  EEXIST: ['EXTRA_IN_THE_WAY', 'something is already there'],
  EISDIR: ['EXTRA_IN_THE_WAY', 'a folder is there'],
  ENOTDIR: ['EXTRA_IN_THE_WAY', 'a name on the way is no folder'],
  ELOOP: ['EXTRA_IN_THE_WAY', 'a symbolic link is on the way'],
  ENOTEMPTY: ['FOLDER_NOT_EMPTY', 'folder not empty'],
  EROFS: ['READ_ONLY', 'file system is read-only'],
  EXDEV: ['IO_ERROR', 'it lies on another file system'],
  EIO: ['IO_ERROR', 'input/output error'],
  EINVAL: ['IO_ERROR', 'the file system refuses the name or the call'],
  EILSEQ: ['IO_ERROR', 'the file system refuses the name'],
  ETXTBSY: ['IO_ERROR', 'file is being executed'],
  EBUSY: ['IO_ERROR', 'busy, or a mount point'],
  EMFILE: ['IO_ERROR', 'too many open files'],
  ENFILE: ['IO_ERROR', 'too many open files on this host'],
  ENOMEM: ['IO_ERROR', 'out of memory'],
  ESTALE: ['IO_ERROR', 'stale file handle'],
}

/** Gives the error of a failed system call as an AppError; `attempt` says what was tried, e.g. `cannot open "x"`. */
export function systemError(attempt: string, name: string, cause?: unknown): AppError {
  const [code, words] = MEANING[name] ?? ['IO_ERROR', name]
  return new AppError(code, `${attempt}: ${words}`, { cause, data: { errno: name } })
}

/** Gives the name (`ENOENT`) of an error that node:fs threw; null for any other value. */
export function errorName(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null
  return typeof thrown.code === 'string' && /^E[A-Z0-9]+$/.test(thrown.code) ? thrown.code : null
}

/** Gives what node:fs threw as an AppError; what is no system error is given back as it is. */
export function fileError(attempt: string, thrown: unknown): unknown {
  const name = errorName(thrown)
  return name === null ? thrown : systemError(attempt, name, thrown)
}
