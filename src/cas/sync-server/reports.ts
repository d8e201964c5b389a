import type { TargetPosition } from '../../core/apply/inbound.ts'
import type { Failure } from '../../core/base/result.ts'
import type { AgentMessageOf, TargetConfig } from '../../core/wire/control.ts'

/** What one report carries of the pending entries; the rest is a number. */
const PENDING_MAX = 100
const MESSAGE_LENGTH_MAX = 2000

/** Gives what a target durably holds as the master is told it. */
export function targetReport(
  target: TargetConfig,
  position: TargetPosition,
  error: Failure | null,
): AgentMessageOf<'targetReport'> {
  const pending = position.pending.slice(0, PENDING_MAX).map(({ seq, path, code, message }) => {
    return { seq, path, code, message: message.slice(0, MESSAGE_LENGTH_MAX) }
  })
  const { counts, newest } = position.notes
  return {
    type: 'targetReport',
    policyId: target.policyId,
    bindingId: target.bindingId,
    watermark: position.watermark,
    pendingCount: position.pending.length,
    pending,
    notes: { counts: [...counts], newest: [...newest] },
    error: error && { code: error.code, message: error.message.slice(0, MESSAGE_LENGTH_MAX) },
  }
}
