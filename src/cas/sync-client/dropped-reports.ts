import type { JobNode } from '../../core/wire/control.ts'
import type { JobReport } from './options.ts'

const MESSAGE_LENGTH_MAX = 2000

/**
 * Why a stream does not reach servers any more: whoever is next was left out of it, or stands elsewhere than it begins, or
 * the stream itself was lost.
 */
export interface CutOff {
  readonly code: 'RELAY_DROPPED' | 'RELAY_UNFIT' | 'RELAY_LOST'
  readonly message: string
}

/** Tells the master that a stream does not reach these servers, and what is below them, any more. */
export function droppedReports(
  subject: { readonly jobId: string; readonly via: string },
  nodes: readonly JobNode[],
  { code, message }: CutOff,
): JobReport[] {
  const error = { code, message: message.slice(0, MESSAGE_LENGTH_MAX) }
  const figures = { attempts: 1, bytesOnWire: 0, entriesApplied: 0, entriesFailed: 0 }
  return nodes.flatMap(({ bindingId, serverId, children }) => [
    { type: 'jobReport', ...subject, bindingId, serverId, state: 'failed', ...figures, error },
    ...droppedReports(subject, children, { code, message }),
  ])
}
