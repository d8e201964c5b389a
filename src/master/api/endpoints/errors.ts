import { AppError, ERRORS, type ErrorDescription } from '../../../core/base/errors.ts'

/** A code as `GET /errors` gives it. */
export interface ErrorView extends ErrorDescription {
  readonly code: string
}

/** Every code that a user can meet, with its HTTP status and what to do. */
export function allErrors(): readonly ErrorView[] {
  return Object.entries(ERRORS).map(([code, description]) => ({ code, ...description }))
}

/** One code; NOT_FOUND. */
export function oneError(code: string): ErrorView {
  const found = allErrors().find((error) => error.code === code)
  if (found === undefined) throw new AppError('NOT_FOUND', `cannot find error code "${code}"`)
  return found
}
