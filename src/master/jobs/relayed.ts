import type { DistributionTree, RouteNode } from '../../core/route/tree.ts'
import type { AgentMessageOf } from '../../core/wire/control.ts'
import { type JobRuntime, type JobTargetRuntime, hasReached, isOpen } from './runtime.ts'
import { type JobPlace, endTarget, saveFigures, saveTarget } from './targets.ts'
import type { Work } from './work.ts'

type JobReport = AgentMessageOf<'jobReport'>
type TargetPlace = JobPlace & { readonly target: JobTargetRuntime }

/** Notes for every target of a tree through whom it is reached. */
export function allowRelays(job: JobRuntime, tree: DistributionTree): void {
  const allow = (node: RouteNode, relays: readonly string[]): void => {
    const target = job.targets.get(node.bindingId)
    for (const relay of relays) target?.relays.add(relay)
    for (const child of node.children) allow(child, [...relays, node.serverId])
  }
  for (const node of tree.children) allow(node, [])
}

/** Tells whether a stream left a target out that was to reach it. */
export function isDropped({ state, error }: JobReport): boolean {
  return state === 'failed' && error?.code === 'RELAY_DROPPED'
}

/**
 * Takes in that a stream does not reach a target any more: the same job goes on, in a run of its own, and directly.
 * Reports of earlier runs, which are told again after a reconnect, mean nothing.
 */
export function applyDrop(
  work: Work,
  place: TargetPlace,
  from: { readonly serverId: string; readonly report: JobReport },
): void {
  const { policy, job, target } = place
  const { serverId, report } = from
  const isSource = policy.sources.get(target.sourceId)?.serverId === serverId
  if (!isSource && !target.relays.has(serverId)) return
  if (target.state !== 'running' || target.runId !== report.jobId) return
  if (isReached(place)) return endTarget(work, place, { state: 'done', error: null })
  const binding = policy.bindings.get(target.bindingId)
  // One that is away is to come back as its policy says.
  if (binding?.connected !== true)
    return endTarget(work, place, { state: 'failed', error: report.error })
  target.state = 'queued'
  target.runId = null
  target.endedAs = null
  if (binding.runningJobId === job.jobId) binding.runningJobId = null
  binding.droppedAtMs = work.nowMs
  const error = report.error === null ? null : { ...report.error, atMs: work.nowMs }
  saveTarget(work, { job, target }, { runId: null, error })
  work.dirty.add(policy.policyId)
}

/** Takes in what a relay says of a target below it. Only the target's own word makes it count as brought on. */
export function applyRelayedReport(work: Work, place: TargetPlace, report: JobReport): void {
  const { target } = place
  if (target.runId !== report.jobId || report.state === 'failed') return
  saveFigures(work, place, report)
  if (!isOpen(target.state) || report.state === 'running') return
  target.endedAs = report.entriesFailed > 0 ? 'partial' : 'done'
  if (isReached(place)) endTarget(work, place, { state: target.endedAs, error: null })
}

function isReached({ policy, job, target }: TargetPlace): boolean {
  const to = job.to.get(target.sourceId)
  const watermark = policy.bindings.get(target.bindingId)?.watermark ?? null
  return to !== undefined && hasReached(watermark, to)
}
