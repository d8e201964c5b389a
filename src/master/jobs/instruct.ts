import type { DistributionTree, RouteNode } from '../../core/route/tree.ts'
import type { JobNode, MasterMessageOf } from '../../core/wire/control.ts'
import type { TicketSigner } from '../tickets.ts'
import { type JobRuntime, type PolicyRuntime, runAtMs } from './runtime.ts'

/** Tickets are looked at when a stream is opened; a job that runs longer is sent again with new ones. */
const TICKET_LIFETIME_S = 86_400

export interface JobOrder {
  readonly tree: DistributionTree
  readonly policy: PolicyRuntime
  readonly job: JobRuntime
  readonly sourceId: string
  /** The binding that is sent from, and the key of its server, where that serves in the stead of the source. */
  readonly holder: { readonly bindingId: string; readonly publicKey: string } | null
  /** The id by which the agents know it. */
  readonly runId: string
  readonly tickets: TicketSigner
  readonly nowMs: number
}

/** Makes the command to a sender: the job with its tree, a ticket in every node. */
export async function jobMessage(order: JobOrder): Promise<MasterMessageOf<'job'>> {
  const { policy, job, sourceId, tree } = order
  const to = job.to.get(sourceId) ?? { epoch: '', seq: 0 }
  const sign = (node: RouteNode) => signedNode(order, { node, sender: tree.sourceServerId })
  return {
    type: 'job',
    jobId: order.runId,
    policyId: policy.policyId,
    sourceId,
    epoch: to.epoch,
    to: to.seq,
    ...(order.holder !== null && { holderId: order.holder.bindingId }),
    retry: policy.retry,
    children: await Promise.all(tree.children.map(sign)),
  }
}

async function signedNode(
  order: JobOrder,
  at: { node: RouteNode; sender: string },
): Promise<JobNode> {
  const { policy, sourceId, holder } = order
  const { node, sender } = at
  const sourceServerId = policy.sources.get(sourceId)?.serverId ?? ''
  const iat = Math.floor(order.nowMs / 1000)
  const ticket = await order.tickets.sign({
    aud: node.serverId,
    jti: crypto.randomUUID(),
    iat,
    exp: iat + TICKET_LIFETIME_S,
    jobId: order.runId,
    runAtMs: runAtMs(order.runId),
    policyId: policy.policyId,
    policyRevision: policy.version,
    bindingId: node.bindingId,
    sourceId,
    sourceServerId,
    ...(holder !== null && { signerKey: holder.publicKey }),
    senders: [sender],
  })
  const { serverId, bindingId, hop, reason } = node
  const inner = node.children.map((child) => signedNode(order, { node: child, sender: serverId }))
  return { serverId, bindingId, hop, reason, ticket, children: await Promise.all(inner) }
}
