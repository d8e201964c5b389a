import type { ErrorCode } from './errors.ts'

/** The outcome of something that may fail for a reason in the world: core returns it, shells turn it into an AppError. */
export type Result<T, E = Failure> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }

/** Why something failed: a stable code and a message which says what was attempted with which value. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
}

/** Wraps a value as a success. */
export function success<T>(value: T): Result<T, never> {
  return { ok: true, value }
}

/** Wraps a code and a message as a failure. */
export function failure(code: ErrorCode, message: string): Result<never> {
  return { ok: false, error: { code, message } }
}
