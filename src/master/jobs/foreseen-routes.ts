import { foresee } from '../../core/plan/foresee.ts'
import type { LostWay, PlanState } from '../../core/plan/state.ts'
import type { RoutePlace } from '../../core/route/hop-options.ts'
import type { DistributionTree } from '../../core/route/tree.ts'
import type { RouteQuestion } from '../context.ts'
import { planState } from './plan-state.ts'
import { type RouteOrder, routeOf } from './route.ts'

type RoutesOrder = Pick<RouteOrder, 'topology' | 'policy' | 'figuresOf' | 'nowMs'> & RouteQuestion

/** The trees by which something new would go, from each source and from whoever serves in its stead. */
export function foreseenRoutes(order: RoutesOrder): DistributionTree[] {
  const { topology, policy, figuresOf, nowMs, bytes } = order
  const state = asked(order, planState(policy, topology, { nowMs, licensed: true }))
  return state.sources.flatMap((source) => {
    const { sourceId } = source
    const request = { topology, policy, figuresOf, nowMs, bytes, sourceId }
    const dropped = new Set<string>()
    return foresee(source, state).map((run) => routeOf({ ...request, ...run, dropped }))
  })
}

/** As things would stand if what is asked about were so. */
function asked({ without, cut, nowMs }: RoutesOrder, state: PlanState): PlanState {
  const isThere = ({ place }: PlanState['sources'][number] | PlanState['targets'][number]) =>
    place !== null && !without.has(place.serverId)
  const homes = new Map(state.sources.map(({ sourceId, place }) => [sourceId, place]))
  return {
    ...state,
    sources: state.sources.map((source) => {
      return { ...source, connected: source.connected && isThere(source) }
    }),
    targets: state.targets.map((target) => {
      const home = homes.get(target.sourceId) ?? null
      const regionId = target.place?.regionId ?? ''
      const isCut = home !== null && home.regionId !== regionId && cut.has(regionId)
      const lostWays = isCut ? [...target.lostWays, lost(home, nowMs)] : target.lostWays
      return { ...target, connected: target.connected && isThere(target), lostWays }
    }),
  }
}

function lost(place: RoutePlace, nowMs: number): LostWay {
  return { ...place, atMs: nowMs, isSure: true }
}
