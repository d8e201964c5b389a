import type { HopScope } from '../route/tree.ts'
import type { PlanSource, PlanTarget } from './state.ts'

/** A target that holds more than another one, and how far it is from that. */
export interface Holder {
  readonly bindingId: string
  readonly seq: number
  readonly scope: HopScope
}

type Scope = readonly [HopScope, (target: PlanTarget) => string]

const SCOPES: readonly Scope[] = [
  ['group', ({ place }) => `group ${place?.groupId ?? ''}`],
  ['region', ({ place }) => `region ${place?.regionId ?? ''}`],
  ['international', () => 'anywhere'],
]

/**
 * Who holds most of one source: in every group, in every region, and anywhere. Made of all targets once, when the first
 * one is asked about, so that asking about a thousand costs no more than a thousand looks.
 */
export class Holders {
  readonly #source: PlanSource
  readonly #targets: readonly PlanTarget[]
  #best: ReadonlyMap<string, PlanTarget> | null = null

  constructor(source: PlanSource, targets: readonly PlanTarget[]) {
    this.#source = source
    this.#targets = targets
  }

  /** Those that hold more than a target: the one with most in its group, in its region, and anywhere, in this order. */
  ahead(target: PlanTarget): readonly Holder[] {
    this.#best ??= this.#find()
    const holders: Holder[] = []
    if (target.place === null) return holders
    for (const [scope, keyOf] of SCOPES) {
      const best = this.#best.get(keyOf(target))
      const isKnown = holders.some(({ bindingId }) => bindingId === best?.bindingId)
      if (best === undefined || isKnown || !isAhead(best, target)) continue
      holders.push({ bindingId: best.bindingId, seq: best.watermark?.seq ?? 0, scope })
    }
    return holders
  }

  #find(): ReadonlyMap<string, PlanTarget> {
    const best = new Map<string, PlanTarget>()
    for (const target of this.#targets) {
      if (!this.#mayServe(target)) continue
      for (const [, keyOf] of SCOPES) {
        const key = keyOf(target)
        const known = best.get(key)
        if (known === undefined || isBetter(target, known)) best.set(key, target)
      }
    }
    return best
  }

  #mayServe(target: PlanTarget): boolean {
    const { sourceId, place, connected, reported, drained, canServe, watermark } = target
    if (sourceId !== this.#source.sourceId || place === null || !canServe) return false
    if (!connected || !reported || drained) return false
    if (target.pendingCount > 0 || target.hold !== null) return false
    return watermark !== null && watermark.epoch === this.#source.epoch
  }
}

function isAhead(holder: PlanTarget, target: PlanTarget): boolean {
  // A server serves no other folder of its own over the network.
  if (holder.place?.serverId === target.place?.serverId) return false
  const { watermark } = target
  if (watermark === null || watermark.epoch !== holder.watermark?.epoch) return true
  return watermark.seq < holder.watermark.seq
}

function isBetter(one: PlanTarget, other: PlanTarget): boolean {
  const ahead = (one.watermark?.seq ?? 0) - (other.watermark?.seq ?? 0)
  if (ahead !== 0) return ahead > 0
  if (one.weight !== other.weight) return one.weight > other.weight
  return one.bindingId < other.bindingId
}
