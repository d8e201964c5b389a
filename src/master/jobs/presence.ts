import { type BindingRuntime, type PolicyRuntime, hasReached } from './runtime.ts'
import { endTarget, saveBinding } from './targets.ts'
import type { Work } from './work.ts'

interface Presence {
  readonly policy: PolicyRuntime
  readonly serverId: string
}

/** An agent is there: what it holds is unknown until it says so, and whatever waited for it may be tried at once. */
export function markConnected(work: Work, { policy, serverId }: Presence): void {
  for (const source of policy.sources.values()) {
    if (source.serverId !== serverId) continue
    source.connected = true
    source.awaySinceMs = null
    for (const binding of policy.bindings.values()) {
      if (binding.sourceId === source.sourceId) binding.lastTry = null
    }
    work.dirty.add(policy.policyId)
  }
  for (const binding of policy.bindings.values()) {
    if (binding.serverId !== serverId) continue
    binding.connected = true
    binding.awaySinceMs = null
    binding.awaitedSinceMs = work.nowMs
    binding.reported = false
    binding.watermarkTold = false
    binding.lastTry = null
    noteReturn(work, binding)
    work.dirty.add(policy.policyId)
  }
}

/** An agent is gone: its targets are away; what they were seen to hold counts as done. */
export function markDisconnected(work: Work, { policy, serverId }: Presence): void {
  for (const source of policy.sources.values()) {
    if (source.serverId !== serverId) continue
    source.connected = false
    source.awaySinceMs = work.nowMs
    endReached(work, policy, source.sourceId)
    work.dirty.add(policy.policyId)
  }
  for (const binding of policy.bindings.values()) {
    if (binding.serverId !== serverId) continue
    binding.connected = false
    binding.awaySinceMs = work.nowMs
    binding.reported = false
    binding.watermarkTold = false
    binding.wasAway = true
    binding.returnedAtMs = null
    saveBinding(work, binding)
    failWaiting(work, policy, binding.bindingId)
    work.dirty.add(policy.policyId)
  }
}

/** The master itself may have been away: who was back before is back since then. */
function noteReturn(work: Work, binding: BindingRuntime): void {
  if (!binding.wasAway || binding.returnedAtMs !== null) return
  binding.returnedAtMs = work.nowMs
  saveBinding(work, binding)
}

/** The sender is gone, so the figures will not come; what the target said of itself is enough. */
function endReached(work: Work, policy: PolicyRuntime, sourceId: string): void {
  for (const job of policy.jobs.values()) {
    const to = job.to.get(sourceId)
    for (const target of job.targets.values()) {
      const { watermark = null, pendingCount = 0 } = policy.bindings.get(target.bindingId) ?? {}
      if (target.sourceId !== sourceId || target.state !== 'running' || to === undefined) continue
      if (!hasReached(watermark, to)) continue
      const state = pendingCount > 0 ? 'partial' : 'done'
      endTarget(work, { policy, job, target }, { state, error: null })
    }
  }
}

/** What a person asked for is not kept waiting for a server that may never come; its backlog is made up on return. */
function failWaiting(work: Work, policy: PolicyRuntime, bindingId: string): void {
  const error = { code: 'PEER_UNREACHABLE', message: 'the target is not connected' }
  for (const job of policy.jobs.values()) {
    const target = job.targets.get(bindingId)
    if (target?.state === 'queued')
      endTarget(work, { policy, job, target }, { state: 'failed', error })
  }
}
