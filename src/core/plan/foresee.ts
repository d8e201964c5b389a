import { Holders } from './holders.ts'
import { type Sender, senderFor } from './sender.ts'
import type { PlanSource, PlanState, PlanTarget } from './state.ts'

/** Targets that the same one sends to. */
export interface ForeseenRun {
  /** The binding that is sent from in the stead of the source; null where the source itself sends. */
  readonly holderId: string | null
  readonly bindingIds: readonly string[]
}

/**
 * Says who would send to whom if the source had something new, by the rules of the planner: whoever must wait until
 * another holds it gets it from that one. The runs are in the order in which one waits for another; who is in none of them
 * is reached by nobody.
 */
export function foresee(
  source: PlanSource,
  { nowMs, targets }: Pick<PlanState, 'nowMs' | 'targets'>,
): ForeseenRun[] {
  const next = { ...source, headSeq: source.headSeq + 1 }
  const runs = new Map<string | null, string[]>()
  let known = targets.filter(({ sourceId }) => sourceId === source.sourceId)
  let left = known.filter(({ connected, drained }) => connected && !drained)
  while (left.length > 0) {
    const holders = new Holders(next, known, nowMs)
    const served = new Map<string, Sender>()
    for (const target of left) {
      const sender = senderFor({ source: next, target, holders })
      if (sender !== null) served.set(target.bindingId, sender)
    }
    if (served.size === 0) break
    for (const [bindingId, { holderId }] of served) {
      const run = runs.get(holderId) ?? []
      runs.set(holderId, [...run, bindingId])
    }
    known = known.map((target) => asServed(next, target, served.get(target.bindingId)))
    left = left.filter(({ bindingId }) => !served.has(bindingId))
  }
  return [...runs].map(([holderId, bindingIds]) => ({ holderId, bindingIds }))
}

/** A target once it has got what its sender has. */
function asServed(source: PlanSource, target: PlanTarget, sender: Sender | undefined): PlanTarget {
  if (sender === undefined) return target
  const watermark = { epoch: source.epoch ?? '', seq: sender.seq }
  return { ...target, watermark, pendingCount: 0, reported: true, wasAway: false, failures: 0 }
}
