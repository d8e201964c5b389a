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

/** For so long after the way from the source broke, others serve who stands behind it. */
export const CUT_OFF_MS = 60_000
/** Where so many of one region lost the way, it is the way to the region that is lost. */
const CUT_OFF_REGION = 2

/**
 * Who holds most of one source: in every group, in every region, and anywhere. Made of all targets once, when the first
 * one is asked about, so that asking about a thousand costs no more than a thousand looks.
 */
export class Holders {
  readonly #source: PlanSource
  readonly #targets: readonly PlanTarget[]
  /** Of all, and of those alone to which servers can connect that only dial out. */
  readonly #best = new Map<'all' | 'dialled', ReadonlyMap<string, PlanTarget>>()
  /** By region, how many lost the way. */
  #cutOff: ReadonlyMap<string, number> | null = null

  constructor(source: PlanSource, targets: readonly PlanTarget[]) {
    this.#source = source
    this.#targets = targets
  }

  /** Those that hold more than a target: the one with most in its group, in its region, and anywhere, in this order. */
  ahead(target: PlanTarget): readonly Holder[] {
    if (target.place === null) return []
    const bests = this.#bestOf(target.dialsOut ? 'dialled' : 'all')
    const holders: Holder[] = []
    for (const [scope, keyOf] of SCOPES) {
      const best = bests.get(keyOf(target))
      const isKnown = holders.some(({ bindingId }) => bindingId === best?.bindingId)
      if (best === undefined || isKnown || !isAhead(best, target)) continue
      holders.push({ bindingId: best.bindingId, seq: best.watermark?.seq ?? 0, scope })
    }
    return holders
  }

  /** Neither the source nor this target can be connected to: there is no way between them, and will be none. */
  isOutOfReach(target: PlanTarget): boolean {
    return this.#source.dialsOut && target.dialsOut
  }

  /** There is no way from the source, or it broke a short while ago, to this target or to its region. */
  isCutOff(target: PlanTarget, nowMs: number): boolean {
    if (this.isOutOfReach(target) || hasLostWay(target, nowMs)) return true
    const { place } = target
    if (place === null || place.regionId === this.#source.place?.regionId) return false
    this.#cutOff ??= this.#countCutOff(nowMs)
    return (this.#cutOff.get(place.regionId) ?? 0) >= CUT_OFF_REGION
  }

  /** Tells whether anybody else is still reached by the source, who could serve a target later. */
  hasOthers({ place, dialsOut }: PlanTarget, nowMs: number): boolean {
    return this.#targets.some((other) => {
      const isElsewhere = other.place?.serverId !== place?.serverId
      const canMeet = !(dialsOut && other.dialsOut)
      return isElsewhere && canMeet && this.#isThere(other) && !this.isCutOff(other, nowMs)
    })
  }

  #countCutOff(nowMs: number): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const target of this.#targets) {
      const { sourceId, place, dialsOut } = target
      // That one which dials out is not registered says nothing about others.
      if (sourceId !== this.#source.sourceId || place === null || dialsOut) continue
      if (!hasLostWay(target, nowMs)) continue
      counts.set(place.regionId, (counts.get(place.regionId) ?? 0) + 1)
    }
    return counts
  }

  #bestOf(which: 'all' | 'dialled'): ReadonlyMap<string, PlanTarget> {
    const known = this.#best.get(which) ?? this.#find(which)
    this.#best.set(which, known)
    return known
  }

  #find(which: 'all' | 'dialled'): ReadonlyMap<string, PlanTarget> {
    const best = new Map<string, PlanTarget>()
    for (const target of this.#targets) {
      if (!this.#mayServe(target) || (which === 'dialled' && target.dialsOut)) continue
      for (const [, keyOf] of SCOPES) {
        const key = keyOf(target)
        const known = best.get(key)
        if (known === undefined || isBetter(target, known)) best.set(key, target)
      }
    }
    return best
  }

  #mayServe(target: PlanTarget): boolean {
    const { pendingCount, hold, watermark } = target
    if (!this.#isThere(target) || pendingCount > 0 || hold !== null) return false
    return watermark !== null && watermark.epoch === this.#source.epoch
  }

  #isThere({ sourceId, place, canServe, connected, reported, drained }: PlanTarget): boolean {
    if (sourceId !== this.#source.sourceId || place === null || !canServe) return false
    return connected && reported && !drained
  }
}

/** Whether the way from the source broke a short while ago. A clock that was set back must not keep anybody cut off. */
export function hasLostWay(
  { sourceLostAtMs }: Pick<PlanTarget, 'sourceLostAtMs'>,
  nowMs: number,
): boolean {
  return sourceLostAtMs !== null && Math.abs(nowMs - sourceLostAtMs) < CUT_OFF_MS
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
