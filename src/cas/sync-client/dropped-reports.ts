import type { JobNode } from '../../core/wire/control.ts'
import type { JobReport } from './options.ts'

const MESSAGE_LENGTH_MAX = 2000

/** Tells the master that a stream does not reach these servers, and what is below them, any more. */
export function droppedReports(
  subject: { readonly jobId: string; readonly via: string },
  nodes: readonly JobNode[],
  reason: string,
): JobReport[] {
  const error = { code: 'RELAY_DROPPED', message: reason.slice(0, MESSAGE_LENGTH_MAX) }
  const figures = { attempts: 1, bytesOnWire: 0, entriesApplied: 0, entriesFailed: 0 }
  return nodes.flatMap(({ bindingId, serverId, children }) => [
    { type: 'jobReport', ...subject, bindingId, serverId, state: 'failed', ...figures, error },
    ...droppedReports(subject, children, reason),
  ])
}
