import { AppError } from '../base/errors.ts'
import type { RelPath } from '../path/rel-path.ts'

/** Tells what the world refused (one entry's trouble) from a fault of our own, which must stop the set. */
export function isRefusal(thrown: unknown): thrown is AppError {
  return thrown instanceof AppError && thrown.code !== 'INTERNAL'
}

/** A folder stays because of what is in it. */
export function notEmpty(path: RelPath): AppError {
  return new AppError(
    'FOLDER_NOT_EMPTY',
    `cannot remove folder ${JSON.stringify(path)}: it holds what is not of this source`,
  )
}
