import { z } from 'zod'

import type { FilterTrialView } from '../../../views/pages/filter-trial.tsx'
import type { PolicyFormValues } from '../../../views/pages/policy-form-values.ts'
import { AppError } from '../../core/base/errors.ts'
import type { AdminContext } from '../api/context.ts'
import { parseRequest } from '../api/parse.ts'
import { type PolicyFields, filterPatterns } from '../policy-schema.ts'
import { type FilterQuestion, tryFilter } from '../use-cases/filter-trials.ts'
import { serverChoices } from './names.ts'
import { wordsOf } from './notice.ts'
import { filterOf, sourcesOf } from './policy-form.ts'

/** Named as in a policy, so that what is wrong is said at its field. */
const filterAlone = z.strictObject({ filter: filterPatterns })

/** Sources that are tried at a time. */
const TRIALS_MAX = 5

/**
 * Says what the filter of a form, saved or not, does to the folders of its sources as they are now; of at most five of
 * them. `current` is the policy as it is saved. PATTERN_UNSAFE, INVALID_REQUEST where the patterns cannot be used.
 */
export async function trialsOf(
  context: AdminContext,
  values: PolicyFormValues,
  current: PolicyFields | null,
): Promise<readonly FilterTrialView[]> {
  const { filter } = parseRequest(filterAlone, { filter: filterOf(values) })
  const names = new Map((await serverChoices(context)).map(({ id, name }) => [id, name]))
  const sources = sourcesOf(values, current).filter(
    ({ serverId, path }) => serverId !== '' && path !== '',
  )
  return await Promise.all(
    sources.slice(0, TRIALS_MAX).map(async ({ serverId, path, pathBytes }) => ({
      server: names.get(serverId) ?? serverId,
      path,
      ...(await trialOf(context, {
        reference: serverId,
        path,
        filter,
        ...(pathBytes === undefined ? {} : { pathBytes }),
      })),
    })),
  )
}

async function trialOf(
  context: AdminContext,
  question: FilterQuestion,
): Promise<Pick<FilterTrialView, 'trial' | 'error'>> {
  try {
    return { trial: await tryFilter(context, question), error: null }
  } catch (thrown) {
    const isAnswer = thrown instanceof AppError && thrown.code !== 'INTERNAL'
    // What is wrong with the patterns is said at their field, once.
    if (!isAnswer || thrown.code === 'PATTERN_UNSAFE') throw thrown
    return { trial: null, error: wordsOf(thrown) }
  }
}
