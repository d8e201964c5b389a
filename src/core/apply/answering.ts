import type { Working } from '../base/working.ts'
import type { FileState } from '../change/entry.ts'
import { type RelPath, parent } from '../path/rel-path.ts'
import type { HoldOutcome } from './inbound.ts'
import {
  type HoldDecision,
  noChange,
  type StoredPending,
  fingerprintOf,
  isUntouched,
} from './index-store.ts'
import type { ApplyDependencies } from './options.ts'
import { isRefusal } from './refusal.ts'
import { areWithin } from './siblings.ts'
import type { Standing } from './standing.ts'

/**
 * Takes a person's word about what is held. What lies there is looked at once more, so that the word is about what the
 * disk holds now. Nothing goes here: the next set does that, looking at each path right before.
 */
export function* answerHold(
  deps: ApplyDependencies,
  standing: Standing,
  word: { readonly fingerprint: string; readonly decision: HoldDecision },
): Working<HoldOutcome> {
  if (standing.sorted().hold === null) return 'unknown'
  yield* lookAgain(deps, standing)
  // No turn of another lies between this look and the commit.
  const { hold, held } = standing.sorted()
  if (hold?.fingerprint !== word.fingerprint) return 'changed'
  const pendingPuts = held.map((one) => withAnswer(one, word.decision))
  deps.index.commit({ ...noChange(deps.index), pendingPuts })
  return 'done'
}

function withAnswer(one: StoredPending, answer: HoldDecision): StoredPending {
  return { ...one, held: one.held && { ...one.held, answer } }
}

interface Changes {
  readonly puts: Map<RelPath, StoredPending>
  readonly removes: RelPath[]
}

/**
 * Looks whether what is held is there as it was. What is gone, or another's, is no question any more; where something
 * else is in the way of an entry by now, that comes again and is judged anew. True where anything changed.
 */
export function* lookAgain(deps: ApplyDependencies, standing: Standing): Working<boolean> {
  const changes: Changes = { puts: new Map(), removes: [] }
  const { held } = standing.sorted()
  for (const one of held) {
    yield
    if (one.held?.disk != null) lookAt(deps, one, changes)
  }
  for (const one of held)
    if (one.held?.disk === null && isFreed(one.path, changes)) changes.puts.set(one.path, due(one))
  // What was answered, applied or sent anew in between is not touched.
  const now = new Map(standing.sorted().held.map(({ path, seq }) => [path, seq]))
  const pendingPuts = [...changes.puts.values()].filter(({ path, seq }) => now.get(path) === seq)
  const pendingRemoves = changes.removes.filter((path) => now.get(path) === 0)
  if (pendingPuts.length + pendingRemoves.length === 0) return false
  deps.index.commit({ ...noChange(deps.index), pendingPuts, pendingRemoves })
  return true
}

function lookAt(deps: ApplyDependencies, one: StoredPending, changes: Changes): void {
  const { path, held } = one
  const disk = lstatOrNothing(deps, path)
  if (held?.disk == null || disk === 'unknown') return
  const isTheirs = one.isDeletion && areWithin(deps.siblings, path)
  if (isUntouched({ stat: held.disk }, disk) && !isTheirs) return
  const isForgotten = deps.index.get(path) === null && (disk === null || isTheirs)
  if (one.isDeletion && isForgotten) changes.removes.push(path)
  else if (one.isDeletion && disk !== null && !isTheirs)
    changes.puts.set(path, { ...one, held: { ...held, disk: fingerprintOf(disk) } })
  else changes.puts.set(path, due(one))
}

/** What cannot be looked at says nothing. */
function lstatOrNothing(
  { tree }: Pick<ApplyDependencies, 'tree'>,
  path: RelPath,
): FileState | null | 'unknown' {
  try {
    return tree.lstat(path)
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    return 'unknown'
  }
}

/** Nothing is held any more: it is tried again. */
function due(one: StoredPending): StoredPending {
  return { ...one, held: null }
}

function isFreed(path: RelPath, { puts }: Changes): boolean {
  for (let above = parent(path); above !== null; above = parent(above))
    if (puts.get(above)?.held === null) return true
  return false
}
