import type { FilterPatterns } from '../../core/filter/filter.ts'
import type { TrialPart } from '../../core/wire/filter-trial.ts'
import type { MasterContext } from '../context.ts'
import type { FilterTrial, FilterTrialPart } from '../model.ts'
import { rootPath, shownPath } from '../policies/roots.ts'
import { assertPatterns } from '../policies/rules.ts'
import { findServer } from './lookup.ts'

export interface FilterQuestion {
  /** The server, by id or `name:…`. */
  readonly reference: string
  readonly path: string
  readonly pathBytes?: string
  readonly filter: FilterPatterns
}

/**
 * Says what a filter would let through of a folder that is there now, changing nothing; PATTERN_UNSAFE, NOT_FOUND,
 * PEER_UNREACHABLE, ROOT_REFUSED, ROOT_MISSING, TOO_MANY_ATTEMPTS.
 */
export async function tryFilter(
  context: MasterContext,
  question: FilterQuestion,
): Promise<FilterTrial> {
  const { reference, filter } = question
  assertPatterns(context, filter)
  const { id } = await findServer(context.database.read, reference)
  const { passes, leftOut, isWhole } = await context.fleet.tryFilter(id, {
    path: rootPath(question),
    include: [...filter.include],
    exclude: [...filter.exclude],
  })
  return { passes: shown(passes), leftOut: shown(leftOut), complete: isWhole }
}

function shown({ files, folders, bytes, sample }: TrialPart): FilterTrialPart {
  return { files, folders, bytes, sample: sample.map(shownPath) }
}
