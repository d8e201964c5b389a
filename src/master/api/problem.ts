import { HTTPException } from 'hono/http-exception'

import { AppError, ERRORS, type ErrorCode, toAppError } from '../../core/base/errors.ts'

/** An error as RFC 9457 has it, with the stable code and what the reader can do. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly action: string
  /** The field that is wrong, where it is one. */
  readonly field?: string
  readonly retryAfterS?: number
}

/** What was thrown, as an error of ours; what HTTP itself refuses becomes the code that fits. */
export function asError(thrown: unknown): AppError {
  if (!(thrown instanceof HTTPException)) return toAppError(thrown)
  const code =
    thrown.status === 413
      ? 'REQUEST_TOO_LARGE'
      : thrown.status === 404
        ? 'NOT_FOUND'
        : 'INVALID_REQUEST'
  return new AppError(code, `cannot read request: ${thrown.message}`, { cause: thrown })
}

/** The one place where an error becomes what the outside sees of it. What went wrong inside is only logged. */
export function toProblem(error: AppError): Problem {
  const { status, action } = ERRORS[error.code]
  const { field, retryAfterS } = error.data
  return {
    type: `/api/v1/errors/${error.code}`,
    title: titleOf(error.code),
    status,
    code: error.code,
    detail:
      error.code === 'INTERNAL' ? 'cannot answer: something went wrong inside' : error.message,
    action,
    ...(typeof field === 'string' ? { field } : {}),
    ...(typeof retryAfterS === 'number' ? { retryAfterS } : {}),
  }
}

/** Answers a request of the API with an error. */
export function problemResponse(error: AppError): Response {
  const problem = toProblem(error)
  const headers = new Headers({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
  if (problem.retryAfterS !== undefined) headers.set('retry-after', String(problem.retryAfterS))
  if (problem.status === 401) headers.set('www-authenticate', 'Bearer')
  return new Response(JSON.stringify(problem), { status: problem.status, headers })
}

/** `NAME_TAKEN` → `Name taken`. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
