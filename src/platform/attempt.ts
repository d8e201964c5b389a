import { toText } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { systemError } from './system-error.ts'

/** What is tried on a path below the root, for the message of its failure. */
export interface Attempt {
  readonly action: string
  readonly path: RelPath
  /** Where the action leads to, for a rename or a copy. */
  readonly to?: RelPath
}

/** Says in one clause what was tried, e.g. `cannot rename "a" to "b"`. */
export function describe(attempt: Attempt): string {
  const quote = (path: RelPath): string => JSON.stringify(toText(path).text)
  const to = attempt.to === undefined ? '' : ` to ${quote(attempt.to)}`
  return `cannot ${attempt.action} ${quote(attempt.path)}${to}`
}

/** Gives the error of a failed attempt by the name of the system's error. */
export function attemptError(attempt: Attempt, name: string): AppError {
  if (name !== LEAVES) return systemError(describe(attempt), name)
  return new AppError('PATH_INVALID', `${describe(attempt)}: the path leaves its root`)
}

/** Stands for the error of a path that tried to leave the root. */
export const LEAVES = 'leaves'
