import type { Working } from '../base/working.ts'
import type { RelPath } from '../path/rel-path.ts'
import { type Decision, type Placing, placings } from './decision.ts'
import { assignMoves } from './displacement.ts'
import { NOTHING_LACKS } from './notes.ts'
import { finish, prepare } from './prepare.ts'
import { isRefusal } from './refusal.ts'
import type { Prepared, Work } from './work.ts'

export interface Preparation {
  /** What lies complete in staging, by the path it is for. */
  readonly prepared: Map<RelPath, Prepared>
  /** What gets its content from where it lay before: consumer → supplier. */
  readonly moves: ReadonlyMap<RelPath, RelPath>
}

/**
 * Completes in staging what is placed from new content or copies. What cannot be completed fails now, before anything
 * is touched, and what lies in its place is then no longer free to move: its consumers copy instead.
 */
export function* prepareAll(work: Work, decisions: readonly Decision[]): Working<Preparation> {
  const prepared = new Map<RelPath, Prepared>()
  while (true) {
    const live = decisions.filter(({ entry }) => !work.ledger.failed.has(entry.path))
    const moves = assignMoves(live, prepared, work.ledger.bases)
    const open = placings(live).filter(
      ({ entry }) => !moves.has(entry.path) && !prepared.has(entry.path),
    )
    let isDone = true
    for (const placing of open) {
      yield
      isDone = prepareOne(work, placing, prepared) && isDone
    }
    if (isDone) return { prepared, moves }
  }
}

function prepareOne(work: Work, placing: Placing, prepared: Map<RelPath, Prepared>): boolean {
  return work.ledger.attempt(placing.entry, () => {
    const made = prepareOrLeave(work, placing)
    if (made !== null) prepared.set(placing.entry.path, made)
  })
}

/** What the file system here cannot hold at all is left out, which is said and counted, and never comes again. */
function prepareOrLeave(work: Work, placing: Placing): Prepared | null {
  try {
    return prepare(work, placing)
  } catch (thrown) {
    if (!isRefusal(thrown) || thrown.code !== 'TYPE_UNSUPPORTED') throw thrown
    work.metadata.say('TYPE_UNSUPPORTED')
    work.ledger.leftOut.add(placing.entry.path)
    return null
  }
}

/**
 * Moves into staging what leaves its place and is wanted elsewhere in this set. Where something else comes to the place,
 * what lies there stays until then, under both names: nobody who reads finds nothing.
 */
export function displace(
  work: Work,
  placed: readonly Placing[],
  { prepared, moves }: Preparation,
): void {
  if (moves.size === 0) return
  const moving = placed.filter(({ entry }) => moves.has(entry.path))
  const replaced = new Set(
    placed
      .filter(({ verdict }) => verdict.content.kind !== 'folder')
      .map(({ entry }) => entry.path),
  )
  for (const { entry } of moving) {
    work.ledger.attempt(entry, () => {
      const from = moves.get(entry.path) ?? entry.path
      const path = work.staging.displacedPath(entry.path)
      if (!replaced.has(from) || !work.tree.link(from, path)) work.tree.rename(from, path)
      prepared.set(entry.path, { path, hash: entry.state.hash, notes: NOTHING_LACKS })
    })
  }
  for (const { entry } of moving) {
    const made = prepared.get(entry.path)
    if (made === undefined) continue
    work.ledger.attempt(entry, () => {
      prepared.set(entry.path, { ...made, notes: finish(work, made.path, entry) })
    })
  }
}
