import type { PendingEntry, TargetPosition } from '../../core/apply/inbound.ts'
import type { Failure } from '../../core/base/result.ts'
import type { AgentMessageOf, ReportedHold, TargetConfig } from '../../core/wire/control.ts'
import { targetHold } from './target-hold.ts'

/** What one report carries of the pending entries; the rest is a number. */
const PENDING_MAX = 100
const MESSAGE_LENGTH_MAX = 2000

/** Gives what a target durably holds as the master is told it. */
export function targetReport(
  target: TargetConfig,
  position: TargetPosition,
  trouble: { readonly error: Failure; readonly hold: ReportedHold | null } | null,
): AgentMessageOf<'targetReport'> {
  const pending = [
    ...shown(position.pending, 'failed'),
    ...shown(position.held, 'held'),
    ...shown(position.kept, 'kept'),
  ].slice(0, PENDING_MAX)
  const { counts, newest } = position.notes
  return {
    type: 'targetReport',
    policyId: target.policyId,
    bindingId: target.bindingId,
    watermark: position.watermark,
    pendingCount: position.pending.length,
    pending,
    hold: trouble?.hold ?? targetHold(position.hold),
    notes: { counts: [...counts], newest: [...newest] },
    error: trouble && shownError(trouble.error),
  }
}

function shownError({ code, message }: Failure): Failure {
  return { code, message: message.slice(0, MESSAGE_LENGTH_MAX) }
}

/** Of what is held or kept only what entries stand for: the hold tells of the rest. */
function shown(
  entries: readonly PendingEntry[],
  state: 'failed' | 'held' | 'kept',
): AgentMessageOf<'targetReport'>['pending'] {
  const told = state === 'failed' ? entries : entries.filter(({ seq }) => seq > 0)
  return told.slice(0, PENDING_MAX).map(({ seq, path, code, message }) => {
    return { seq, path, code, message: message.slice(0, MESSAGE_LENGTH_MAX), state }
  })
}
