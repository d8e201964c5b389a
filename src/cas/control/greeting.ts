import { type ErrorCode, ERRORS } from '../../core/base/errors.ts'
import { type Failure, failure, type Result, success } from '../../core/base/result.ts'
import { CONTROL_PROTOCOL, type MasterMessage } from '../../core/wire/control.ts'

/**
 * Judges the first message on a connection, which must be the master's welcome to this very server: success is how far
 * the master's clock is ahead of ours, in milliseconds.
 */
export function checkGreeting(
  message: MasterMessage,
  own: { readonly serverId: string; readonly nowMs: number },
): Result<number> {
  if (message.type === 'refused') return { ok: false, error: toFailure(message) }
  if (message.type !== 'welcome')
    return failure('PROTOCOL', `the master sent ${message.type} before its welcome`)
  if (message.protocol !== CONTROL_PROTOCOL) {
    const versions = `${message.protocol}, this agent ${CONTROL_PROTOCOL}`
    return failure('INCOMPATIBLE', `the master speaks control protocol ${versions}`)
  }
  if (message.serverId !== own.serverId)
    return failure('PROTOCOL', `the master takes this agent for "${message.serverId}"`)
  return success(Date.parse(message.time) - own.nowMs)
}

/** A refusal as the master words it; a code that this version does not know counts as FORBIDDEN. */
export function toFailure(refused: { readonly code: string; readonly message: string }): Failure {
  const code: ErrorCode = isErrorCode(refused.code) ? refused.code : 'FORBIDDEN'
  return { code, message: refused.message }
}

/** Whether a code from outside is one of ours. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}
