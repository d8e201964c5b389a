import type { SenderProgress } from '../../../core/transfer/sender.ts'
import type { JobNode } from '../../../core/wire/control.ts'
import type { JobReport } from '../../sync-client/options.ts'

/** Tells the master how a child that is in the stream fares. */
export function childReport(
  subject: { readonly jobId: string; readonly via: string },
  { bindingId, serverId }: JobNode,
  said: {
    readonly state: 'running' | 'done'
    readonly progress: SenderProgress
    readonly bytesOnWire: number
  },
): JobReport {
  const { state, progress, bytesOnWire } = said
  const { appliedCount: entriesApplied, failedCount: entriesFailed } = progress
  const figures = { attempts: 1, bytesOnWire, entriesApplied, entriesFailed }
  return { type: 'jobReport', ...subject, bindingId, serverId, state, ...figures, error: null }
}
