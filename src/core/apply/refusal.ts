import { AppError } from '../base/errors.ts'

/** Tells what the world refused (one entry's trouble) from a fault of our own, which must stop the set. */
export function isRefusal(thrown: unknown): thrown is AppError {
  return thrown instanceof AppError && thrown.code !== 'INTERNAL'
}
