import type { HopOptions, HopScope } from './tree.ts'

/** Where a server stands. */
export interface RoutePlace {
  readonly serverId: string
  readonly groupId: string
  readonly regionId: string
}

/** A rule for hops of a scope; what it does not name, it leaves to others. */
export interface RouteRule {
  readonly scope: HopScope | { readonly from: string; readonly to: string }
  readonly method?: 'copy' | 'patch' | undefined
  readonly compression?: number | undefined
  readonly tls?: boolean | undefined
  readonly rateBytesPerS?: number | null | undefined
}

/** What decides on the options of a hop. */
export interface RouteRules {
  /** Fleet-wide rules: ceilings that a policy cannot exceed. */
  readonly ceilings: readonly RouteRule[]
  /** The policy's own rules. */
  readonly rules: readonly RouteRule[]
}

/** How a hop between two servers is made, by the rules of a policy and those of the fleet. */
export function hopOptions(rules: RouteRules, from: RoutePlace, to: RoutePlace): HopOptions {
  return routeHop(rules, { from, to }, DIRECT).hop
}

/** How far apart two servers are. */
export function scopeBetween(one: RoutePlace, other: RoutePlace): HopScope {
  if (one.groupId === other.groupId) return 'group'
  return one.regionId === other.regionId ? 'region' : 'international'
}

/** Why a hop is there that begins at the source. */
export const DIRECT = 'direct from the source'

interface PlannedHop {
  readonly hop: HopOptions
  readonly reason: string
}

/** Gives the options of a hop, and why it is there, with `why` in front. */
export function routeHop(
  request: RouteRules,
  ends: { readonly from: RoutePlace; readonly to: RoutePlace },
  why: string,
): PlannedHop {
  const hop = { ...ends, scope: scopeBetween(ends.from, ends.to) }
  const defaults = defaultOptions(hop.scope)
  const chosen = bySpecificity(request.rules, hop)
  const ceilings = bySpecificity(request.ceilings, hop)
  const own = merge(merge(defaults, ceilings), chosen)
  return {
    hop: ceilings.reduce(lower, own),
    reason: `${why}, ${reasonOf(hop.scope, { chosen, ceilings })}`,
  }
}

interface Hop {
  readonly scope: HopScope
  readonly from: RoutePlace
  readonly to: RoutePlace
}

function defaultOptions(scope: HopScope): HopOptions {
  const compression = scope === 'group' ? 1 : 3
  return { scope, method: 'patch', compression, tls: true, rateBytesPerS: null }
}

/** The rules that apply to a hop, the most specific last. */
function bySpecificity(rules: readonly RouteRule[], hop: Hop): RouteRule[] {
  const matching = rules.filter((rule) => specificity(rule, hop) > 0)
  return matching.toSorted((a, b) => specificity(a, hop) - specificity(b, hop))
}

/** 0 where a rule does not apply. A pair of servers says more than a pair of groups, that more than one of regions. */
function specificity(rule: RouteRule, hop: Hop): number {
  if (typeof rule.scope === 'string') return rule.scope === hop.scope ? 1 : 0
  const from = placeRank(rule.scope.from, hop.from)
  const to = placeRank(rule.scope.to, hop.to)
  return from === 0 || to === 0 ? 0 : 1 + from + to
}

function placeRank(id: string, place: RoutePlace): number {
  if (id === place.serverId) return 3
  if (id === place.groupId) return 2
  return id === place.regionId ? 1 : 0
}

function merge(options: HopOptions, rules: readonly RouteRule[]): HopOptions {
  return rules.reduce<HopOptions>(
    (merged, rule) => ({
      scope: merged.scope,
      method: rule.method ?? merged.method,
      compression: rule.compression ?? merged.compression,
      tls: rule.tls ?? merged.tls,
      rateBytesPerS: rule.rateBytesPerS === undefined ? merged.rateBytesPerS : rule.rateBytesPerS,
    }),
    options,
  )
}

/** What a fleet-wide rule limits: the rate, and leaving out TLS. */
function lower(options: HopOptions, ceiling: RouteRule): HopOptions {
  const { rateBytesPerS } = ceiling
  const own = options.rateBytesPerS
  const isLower = typeof rateBytesPerS === 'number' && (own === null || own > rateBytesPerS)
  return {
    ...options,
    tls: options.tls || ceiling.tls === true,
    rateBytesPerS: isLower ? rateBytesPerS : own,
  }
}

function reasonOf(
  scope: HopScope,
  rules: { chosen: readonly RouteRule[]; ceilings: readonly RouteRule[] },
): string {
  const where = {
    group: 'within the group',
    region: 'within the region',
    international: 'between regions',
  }[scope]
  const parts = [where]
  if (rules.chosen.length > 0) parts.push('options by the policy')
  if (rules.ceilings.length > 0) parts.push('limited by hop rules')
  return parts.join('; ')
}
