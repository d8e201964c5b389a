import type { AgentStatus } from './status.ts'

/**
 * Why a policy is not settled on this host, or null where it is: each of its sources is wholly known and recorded by the
 * master, each of its targets has applied everything it was sent. What a source elsewhere has not sent yet, only the
 * master knows: ask it for convergence.
 */
export function whyNotCaughtUp(status: AgentStatus, policyId: string): string | null {
  if (status.connection.state !== 'connected') return 'not connected to the master'
  const sources = status.sources.filter((source) => source.policyId === policyId)
  const targets = status.targets.filter((target) => target.policyId === policyId)
  if (sources.length + targets.length === 0) return `policy "${policyId}" has nothing on this host`
  for (const source of sources) {
    const why = whySourceIsNot(source)
    if (why !== null) return `source "${source.path}": ${why}`
  }
  for (const target of targets) {
    const why = whyTargetIsNot(target)
    if (why !== null) return `target "${target.path}": ${why}`
  }
  return status.runningJobs.length > 0 && sources.length > 0 ? 'a job runs' : null
}

function whySourceIsNot(source: AgentStatus['sources'][number]): string | null {
  if (source.error !== null) return source.error.message
  if (source.completeAt === null) return 'the first scan is not finished'
  if (source.gapCount > 0) return `${source.gapCount} parts are to be scanned again`
  if (source.hold !== null) return source.hold.message
  const waiting = source.headSeq - source.recordedSeq
  return waiting > 0 ? `the master has recorded ${source.recordedSeq} of ${source.headSeq}` : null
}

function whyTargetIsNot(target: AgentStatus['targets'][number]): string | null {
  if (target.error !== null) return target.error.message
  if (target.hold !== null) return target.hold.message
  if (target.appliedSeq === null) return 'nothing has arrived yet'
  return target.pendingCount > 0 ? `${target.pendingCount} entries could not be applied yet` : null
}
