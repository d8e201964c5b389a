import type { Entry } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { SetHeader } from './inbound.ts'
import { deletion, ownRetries, unnamedPaths } from './unnamed.ts'
import type { Work } from './work.ts'

/** What the target does on its own in a set: nothing of it was sent. */
export interface OwnWork {
  readonly entries: readonly Entry[]
  /** Paths that are given up: the row goes, the disk stays. */
  readonly adopted: readonly RelPath[]
}

/**
 * Gathers what follows from the set without being in it: deletions tried again, and at the end of a full list whatever
 * it did not name. What needs a person's word of these is held once its place was looked at.
 */
export function ownWork(work: Work, header: SetHeader, named: ReadonlySet<RelPath>): OwnWork {
  const retries = ownRetries(work.deps, named)
  if (header.kind !== 'full' || !header.last) return split(work, retries)
  const retried = new Set(retries.map(({ path }) => path))
  const unnamed = unnamedPaths(work.deps.index, { list: work.ledger.list, header, named })
  const awaited = awaitedPaths(work)
  const claimed = [...work.deps.index.claims()].filter(
    (path) => !named.has(path) && !awaited.has(path),
  )
  const ends = claimed.map((path) => deletion(path, 0))
  if (work.deps.options.deletes === 'keep') return split(work, [...retries, ...ends])
  const others = unnamed.filter((path) => !retried.has(path)).map((path) => deletion(path, 0))
  return split(work, [...retries, ...ends, ...others])
}

/** What earlier sets of this list named and could not place. */
function awaitedPaths({ deps, ledger }: Work): ReadonlySet<RelPath> {
  const awaited = deps.index.pending().filter(({ seq, list }) => seq > 0 && list >= ledger.list)
  return new Set(awaited.map(({ path }) => path))
}

/** Under `adopt`, what has no seq of its own is given up, unless it came from a set of ours that never ended. */
function split(work: Work, entries: readonly Entry[]): OwnWork {
  const isAdopted = ({ path, seq }: Entry) =>
    seq === 0 && work.deps.options.firstContact === 'adopt' && work.view.get(path) !== null
  return {
    entries: entries.filter((entry) => !isAdopted(entry)),
    adopted: entries.filter(isAdopted).map(({ path }) => path),
  }
}
