import { AppError } from '../../core/base/errors.ts'
import type { SyncRequest } from '../context.ts'
import { type BindingRuntime, type PolicyRuntime, hasReached } from './runtime.ts'
import { addJob } from './start.ts'
import { endTarget } from './targets.ts'
import type { Work } from './work.ts'

/** Makes the job by which a person wants servers at the heads of their sources; gives its id. NOT_FOUND without one. */
export function syncPolicy(work: Work, policy: PolicyRuntime, request: SyncRequest): string {
  const bindings = [...policy.bindings.values()].filter(
    ({ serverId }) => request.serverIds === null || request.serverIds.includes(serverId),
  )
  if (bindings.length === 0) {
    throw new AppError(
      'NOT_FOUND',
      `cannot synchronize policy "${policy.name}": no target is chosen`,
    )
  }
  for (const { sourceId, epoch, headSeq } of request.heads) {
    const source = policy.sources.get(sourceId)
    if (source?.epoch === epoch) source.headSeq = Math.max(source.headSeq, headSeq)
  }
  const order = { kind: 'manual', trigger: request.trigger, bindings, state: 'queued' } as const
  const job = addJob(work, policy, { ...order, ways: new Map() })
  for (const binding of bindings) {
    binding.lastTry = null
    binding.waivedSeq = null
    const target = job.targets.get(binding.bindingId)
    const to = job.to.get(binding.sourceId)
    if (target === undefined || to === undefined) continue
    const isThere = binding.reported && binding.pendingCount === 0
    if (isThere && hasReached(binding.watermark, to)) {
      endTarget(work, { policy, job, target }, { state: 'done', error: null })
      continue
    }
    const error = obstacleOf(policy, binding)
    if (error !== null) endTarget(work, { policy, job, target }, { state: 'failed', error })
  }
  work.dirty.add(policy.policyId)
  return job.jobId
}

/** Why a job cannot reach a binding now; null where it can. */
export function obstacleOf(
  policy: PolicyRuntime,
  binding: Pick<BindingRuntime, 'sourceId' | 'connected' | 'hold'>,
): { code: string; message: string } | null {
  if (policy.sources.get(binding.sourceId)?.connected !== true) {
    return { code: 'SOURCE_UNAVAILABLE', message: 'the source is not connected' }
  }
  if (!binding.connected) {
    return { code: 'PEER_UNREACHABLE', message: 'the target is not connected' }
  }
  const { hold } = binding
  return hold?.code === 'ROOT_CHANGED' ? { code: hold.code, message: hold.message } : null
}
