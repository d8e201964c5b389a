import type { ErrorCode } from '../base/errors.ts'
import { type Result, success } from '../base/result.ts'

/** Thrown where a peer breaks the rules of a set, and caught by `guarded`: never leaves this folder. */
class Violation extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Refuses what a peer sent. */
export function refuse(code: ErrorCode, message: string): never {
  throw new Violation(code, message)
}

/** Goes on only where a peer keeps to the protocol. */
export function demand(condition: boolean, message: string): asserts condition {
  if (!condition) refuse('PROTOCOL', message)
}

/** Runs what may refuse and gives the refusal as a failure. */
export function guarded<T>(call: () => T): Result<T> {
  try {
    return success(call())
  } catch (thrown) {
    if (!(thrown instanceof Violation)) throw thrown
    return { ok: false, error: { code: thrown.code, message: thrown.message } }
  }
}
