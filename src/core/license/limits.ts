import { failure, type Result, success } from '../base/result.ts'

/** What a licence counts: regions, groups, and agents by the roles they were granted. */
export const LIMIT_KINDS = ['regions', 'groups', 'cas', 'cms'] as const
export type LimitKind = (typeof LIMIT_KINDS)[number]
export type Limits = Readonly<Record<LimitKind, number>>

const NOUNS: Readonly<Record<LimitKind, readonly [one: string, many: string]>> = {
  regions: ['region', 'regions'],
  groups: ['group', 'groups'],
  cas: ['server with the role cas', 'servers with the role cas'],
  cms: ['server with the role cms', 'servers with the role cms'],
}

/** What one more of a kind is called, as in "cannot add a region". */
export function nounOf(kind: LimitKind): string {
  return NOUNS[kind][0]
}

/** Whether `wanted` fit, the one about to be added among them; LICENSE_LIMIT names the limit and the use. */
export function checkLimit(limits: Limits, kind: LimitKind, wanted: number): Result<void> {
  const limit = limits[kind]
  if (wanted <= limit) return success(undefined)
  const used = wanted - 1
  const [one, many] = NOUNS[kind]
  const message = `cannot add a ${one}: the licence allows ${limit} ${limit === 1 ? one : many}, ${used} ${used === 1 ? 'is' : 'are'} in use`
  return failure('LICENSE_LIMIT', message)
}

/** What is left of each limit; never below zero, also where a shrunk licence allows less than what exists. */
export function limitsLeft(limits: Limits, used: Limits): Limits {
  const left = (kind: LimitKind) => Math.max(0, limits[kind] - used[kind])
  return { regions: left('regions'), groups: left('groups'), cas: left('cas'), cms: left('cms') }
}
