import { AppError } from './errors.ts'
import type { Result } from './result.ts'

/** Gives the value of a success; throws what a failure says, where that ends the work that asked. */
export function orThrow<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new AppError(result.error.code, result.error.message)
}
