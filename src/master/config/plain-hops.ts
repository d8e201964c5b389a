import { type RoutePlace, type RouteRule, hopOptions } from '../../core/route/hop-options.ts'

export interface PlainHopsOf {
  readonly places: ReadonlyMap<string, RoutePlace>
  /** The rules of the fleet. */
  readonly ceilings: readonly RouteRule[]
  /** The rules of the policies of which both servers are members. */
  readonly policies: readonly (readonly RouteRule[])[]
}

/** Tells whether any of the policies may have a plain hop between two servers, whichever way. */
export function mayBePlain(hops: PlainHopsOf, one: string, other: string): boolean {
  const from = hops.places.get(one)
  const to = hops.places.get(other)
  if (from === undefined || to === undefined) return false
  const { ceilings } = hops
  return hops.policies.some((rules) => {
    // Mostly nobody wishes for any, and then nothing is to be looked at.
    if (![...rules, ...ceilings].some((rule) => rule.tls === false)) return false
    const both = { rules, ceilings }
    return !hopOptions(both, from, to).tls || !hopOptions(both, to, from).tls
  })
}
