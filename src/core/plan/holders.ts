import { type RoutePlace, scopeBetween } from '../route/hop-options.ts'
import type { HopScope } from '../route/tree.ts'
import type { LostWay, PlanSource, PlanTarget } from './state.ts'

/** A target that holds more than another one, or what is pending there, and how far it is from that. */
export interface Holder {
  readonly bindingId: string
  readonly seq: number
  readonly scope: HopScope
}

/** Where a way begins. */
type WayEnd = Pick<RoutePlace, 'serverId' | 'groupId' | 'regionId'>

interface Bests {
  readonly groups: ReadonlyMap<string, PlanTarget>
  readonly regions: ReadonlyMap<string, PlanTarget>
}

/** For so long after a way broke, others serve who stands behind it. */
export const CUT_OFF_MS = 60_000
/** Where so many of one group, or of several in one region, lost the way from a region, the way to all of it is lost. */
const CUT_OFF_MIN = 2

/**
 * Who holds most of one source, in every group and in every region. Made of all targets once, when the first one is
 * asked about, so that asking about a thousand costs no more than a thousand looks.
 */
export class Holders {
  readonly #source: PlanSource
  readonly #targets: readonly PlanTarget[]
  readonly #nowMs: number
  /** Of all, and of those alone to which servers can connect that only dial out. */
  readonly #best = new Map<'all' | 'dialled', Bests>()
  /** Ways from a region that are lost, to a group or to a region. */
  #cutOff: ReadonlySet<string> | null = null

  constructor(source: PlanSource, targets: readonly PlanTarget[], nowMs: number) {
    this.#source = source
    this.#targets = targets
    this.#nowMs = nowMs
  }

  /**
   * Those that hold more than a target and have a way to it: the one with most in its group, in its region, and in each
   * other one, where whoever holds most comes first.
   */
  ahead(target: PlanTarget): readonly Holder[] {
    const { place } = target
    if (place === null) return []
    const bests = this.#bestOf(target.dialsOut ? 'dialled' : 'all')
    const inRegion = bests.regions.get(place.regionId)
    const elsewhere = [...bests.regions.values()].filter((best) => best !== inRegion)
    const nearest = [bests.groups.get(place.groupId), inRegion]
    const farther = elsewhere.toSorted((one, other) => (isBetter(one, other) ? -1 : 1))
    return [...new Set([...nearest, ...farther])].flatMap((best) => {
      if (best?.place == null || !isAhead(best, target) || this.#isLost(best.place, target))
        return []
      const scope = scopeBetween(best.place, place)
      return [{ bindingId: best.bindingId, seq: best.watermark?.seq ?? 0, scope }]
    })
  }

  /** There is no way from the source, or it broke a short while ago, to this target or to its region. */
  isCutOff(target: PlanTarget): boolean {
    const { dialsOut, place } = this.#source
    // Neither can be connected to: there will be none.
    if (dialsOut && target.dialsOut) return true
    return place !== null && this.#isLost(place, target)
  }

  /** Whether a server can be expected to reach a target. */
  hasWay(from: WayEnd, target: PlanTarget): boolean {
    return !this.#isLost(from, target)
  }

  /** Tells whether anybody else is still reached by the source, who could serve a target later. */
  hasOthers(target: PlanTarget): boolean {
    return this.#targets.some((other) => {
      const { place } = other
      if (place === null || place.serverId === target.place?.serverId) return false
      if ((target.dialsOut && other.dialsOut) || this.#isLost(place, target)) return false
      return this.#isThere(other) && !this.isCutOff(other)
    })
  }

  #isLost(from: WayEnd, target: PlanTarget): boolean {
    const { place } = target
    if (place === null) return false
    const own = target.lostWays.find(({ serverId }) => serverId === from.serverId)
    if (own?.isSure === true && isRecentlyLost(own, this.#nowMs)) return true
    this.#cutOff ??= this.#findCutOff()
    const isGroupLost = this.#cutOff.has(between(from.regionId, place.groupId))
    if (from.groupId !== place.groupId && isGroupLost) return true
    const isRegionLost = this.#cutOff.has(between(from.regionId, place.regionId))
    return from.regionId !== place.regionId && isRegionLost
  }

  /** Where one group of several has lost the way, it is the group's; a region has where that is so of more than one. */
  #findCutOff(): ReadonlySet<string> {
    const groups = new Map<string, Set<string>>()
    const lost = new Map<string, Map<string, number>>()
    for (const { place, dialsOut, connected, lostWays } of this.#targets) {
      // Who is gone, or only dials out and is not registered, says nothing about others.
      if (place === null || dialsOut || !connected) continue
      groups.set(place.regionId, (groups.get(place.regionId) ?? new Set()).add(place.groupId))
      const ways = lostWays.filter((way) => isRecentlyLost(way, this.#nowMs))
      for (const regionId of new Set(ways.map((way) => way.regionId))) {
        const key = between(regionId, place.regionId)
        const counts = lost.get(key) ?? new Map<string, number>()
        lost.set(key, counts.set(place.groupId, (counts.get(place.groupId) ?? 0) + 1))
      }
    }
    return new Set(
      [...lost].flatMap(([key, counts]) => {
        const [from = '', to = ''] = key.split(' ')
        const whole = [...counts].filter(([, count]) => count >= CUT_OFF_MIN)
        const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
        const isWide = counts.size >= Math.min(CUT_OFF_MIN, groups.get(to)?.size ?? 1)
        const isRegionLost = isWide && total >= CUT_OFF_MIN
        const cutOff = whole.map(([groupId]) => between(from, groupId))
        return isRegionLost ? [...cutOff, key] : cutOff
      }),
    )
  }

  #bestOf(which: 'all' | 'dialled'): Bests {
    const known = this.#best.get(which) ?? this.#find(which)
    this.#best.set(which, known)
    return known
  }

  #find(which: 'all' | 'dialled'): Bests {
    const best = { groups: new Map<string, PlanTarget>(), regions: new Map<string, PlanTarget>() }
    for (const target of this.#targets) {
      const { place } = target
      if (place === null || !this.#mayServe(target)) continue
      if (which === 'dialled' && target.dialsOut) continue
      keepBetter(best.groups, place.groupId, target)
      keepBetter(best.regions, place.regionId, target)
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

/** Whether a way broke a short while ago. A clock that was set back must not keep anybody cut off. */
export function isRecentlyLost({ atMs }: Pick<LostWay, 'atMs'>, nowMs: number): boolean {
  return Math.abs(nowMs - atMs) < CUT_OFF_MS
}

function between(from: string, to: string): string {
  return `${from} ${to}`
}

function keepBetter(best: Map<string, PlanTarget>, key: string, target: PlanTarget): void {
  const known = best.get(key)
  if (known === undefined || isBetter(target, known)) best.set(key, target)
}

function isAhead(holder: PlanTarget, target: PlanTarget): boolean {
  // A server serves no other folder of its own over the network.
  if (holder.place?.serverId === target.place?.serverId) return false
  const { watermark } = target
  if (watermark === null || watermark.epoch !== holder.watermark?.epoch) return true
  // Whoever stands at the same place lacks nothing of it, for else it would serve nobody.
  const isAtSame = target.pendingCount > 0 && watermark.seq === holder.watermark.seq
  return isAtSame || watermark.seq < holder.watermark.seq
}

function isBetter(one: PlanTarget, other: PlanTarget): boolean {
  const ahead = (one.watermark?.seq ?? 0) - (other.watermark?.seq ?? 0)
  if (ahead !== 0) return ahead > 0
  if (one.weight !== other.weight) return one.weight > other.weight
  return one.bindingId < other.bindingId
}
