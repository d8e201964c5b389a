import { AppError } from '../../core/base/errors.ts'
import type { FilterPatterns } from '../../core/filter/filter.ts'
import type { MasterContext } from '../context.ts'
import type { PolicyFields, PolicyHop } from '../policy-schema.ts'

/** Refuses what no policy may say, whatever else there is: PLAIN_REFUSED, PATTERN_UNSAFE, NOT_IMPLEMENTED. */
export function assertPolicyRules(
  context: Pick<MasterContext, 'checkPatterns'>,
  fields: PolicyFields,
): void {
  assertBuilt(fields)
  for (const hop of fields.hops) assertPlainAllowed(hop)
  assertPatterns(context, fields.filter)
}

/** Refuses patterns that no agent would use: PATTERN_UNSAFE, naming the list. */
export function assertPatterns(
  context: Pick<MasterContext, 'checkPatterns'>,
  filter: FilterPatterns,
): void {
  for (const list of ['include', 'exclude'] as const) {
    const failure = context.checkPatterns(filter[list])
    if (failure === null) continue
    throw new AppError(failure.code, failure.message, { data: { field: `filter.${list}` } })
  }
}

/** What deserves a second look though it is allowed. */
export function policyWarnings(fields: PolicyFields): string[] {
  const warnings: string[] = []
  const { count, percent } = fields.maxDelete
  if (count === null) warnings.push('maxDelete.count is off: no number of deletions is held')
  if (percent === null) warnings.push('maxDelete.percent is off: no share of deletions is held')
  if (fields.filter.deleteExcluded)
    warnings.push('filter.deleteExcluded is on: what the filter leaves out is deleted on targets')
  return warnings
}

/** What would change what happens and comes with a later version is refused, not silently ignored. */
function assertBuilt(fields: PolicyFields): void {
  const later: readonly (readonly [boolean, string])[] = [
    [fields.kind !== 'distribute', `kind "${fields.kind}"`],
    [fields.mode === 'reserved' || fields.schedule !== null, 'schedules'],
    [fields.keep.days > 0, 'keep.days above 0'],
  ]
  for (const [asked, what] of later) {
    if (asked)
      throw new AppError('NOT_IMPLEMENTED', `cannot save the policy: ${what} is not built yet`)
  }
}

function assertPlainAllowed(hop: PolicyHop): void {
  if (hop.tls !== false || hop.scope === 'group' || hop.plainAcrossGroups === true) return
  const scope = typeof hop.scope === 'string' ? hop.scope : `${hop.scope.from} to ${hop.scope.to}`
  throw new AppError('PLAIN_REFUSED', `cannot leave out TLS on hops of scope "${scope}"`)
}
