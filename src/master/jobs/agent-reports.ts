import type { AgentMessageOf } from '../../core/wire/control.ts'
import { reflectHold } from './holds.ts'
import { applyDrop, applyRelayedReport, isDropped, isRelay } from './relayed.ts'
import { type PolicyRuntime, jobIdOf, senderOf } from './runtime.ts'
import { applyChanges, applySourceReport } from './source-messages.ts'
import { applyJobReport, applyTargetReport } from './targets.ts'
import type { Work } from './work.ts'

export type AgentReport = AgentMessageOf<'sourceReport' | 'changes' | 'targetReport' | 'jobReport'>

/** `gap`: changes before these are missing. `foreign`: it is about what is not the agent's, or not known any more. */
export type ReportOutcome = 'taken' | 'gap' | 'foreign'

type Policies = ReadonlyMap<string, PolicyRuntime>

/** Takes in a report; an agent may speak only of its own sources and bindings, and of jobs that it carries. */
export function applyReport(
  work: Work,
  policies: Policies,
  from: { readonly serverId: string; readonly report: AgentReport },
): ReportOutcome {
  const { serverId, report } = from
  if (report.type === 'jobReport') return applyToJob(work, policies, { serverId, report })
  const policy = policies.get(report.policyId)
  if (policy === undefined) return 'foreign'
  if (report.type === 'targetReport') {
    const binding = policy.bindings.get(report.bindingId)
    if (binding?.serverId !== serverId) return 'foreign'
    applyTargetReport(work, { policy, binding }, report)
    const source = policy.sources.get(binding.sourceId)
    if (source !== undefined) reflectHold(work, { kind: 'binding', policy, source, binding })
    return 'taken'
  }
  const source = policy.sources.get(report.sourceId)
  if (source?.serverId !== serverId) return 'foreign'
  if (report.type === 'changes')
    return applyChanges(work, { policy, source }, report) ? 'taken' : 'gap'
  applySourceReport(work, { policy, source }, report)
  return 'taken'
}

function applyToJob(
  work: Work,
  policies: Policies,
  { serverId, report }: { serverId: string; report: AgentMessageOf<'jobReport'> },
): ReportOutcome {
  for (const policy of policies.values()) {
    const job = policy.jobs.get(jobIdOf(report.jobId))
    const target = job?.targets.get(report.bindingId)
    if (job === undefined || target === undefined) continue
    if (target.serverId !== report.serverId) return 'foreign'
    const place = { policy, job, target }
    const isSender = senderOf(policy, target)?.serverId === serverId
    // A run that was cancelled for another one ends after that has begun.
    if (report.state === 'failed' && target.runId !== report.jobId) return 'taken'
    if (isDropped(report)) applyDrop(work, place, { serverId, report })
    else if (isSender) applyJobReport(work, place, report)
    else if (isRelay(job, target, serverId)) applyRelayedReport(work, place, report)
    else return 'foreign'
    return 'taken'
  }
  // The job has ended meanwhile: cancelled, or reached by another.
  return 'taken'
}
