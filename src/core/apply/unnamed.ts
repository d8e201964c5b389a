import type { Entry } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { SetHeader } from './inbound.ts'
import type { IndexStore, StoredPending } from './index-store.ts'
import type { ApplyDependencies } from './options.ts'
import { isDue } from './standing.ts'

const PAGE = 1000

export interface EndedList {
  readonly list: number
  readonly header: SetHeader
  /** The paths of its last set. */
  readonly named: ReadonlySet<RelPath>
}

/**
 * After a full list: the paths that the index has and the list did not name. That they are gone at the source is likely,
 * not certain (its journal may be new), so with `hold` a person decides. What the list is older than it says nothing of.
 */
export function unnamedPaths(index: IndexStore, { list, header, named }: EndedList): RelPath[] {
  const paths: RelPath[] = []
  let after: RelPath | undefined
  while (true) {
    const page = index.olderThan(list, PAGE, after)
    for (const { path, epoch, seq } of page) {
      const isLater = epoch === header.epoch && seq > header.to
      if (!named.has(path) && !isLater) paths.push(path)
    }
    after = page.at(-1)?.path
    if (page.length < PAGE) return paths
  }
}

/** The deletions that the target tries again by itself, as if the source had sent them again. */
export function ownRetries(deps: ApplyDependencies, named: ReadonlySet<RelPath>): Entry[] {
  return deps.index
    .pending()
    .filter((one) => one.isDeletion && !named.has(one.path) && isOwn(one))
    .filter((one) => isDue(deps.options, one))
    .map(({ path, seq }) => deletion(path, seq))
}

/** Folders that were not empty, and what the source does not send again, since nothing of it stands for that. */
function isOwn({ code, seq }: StoredPending): boolean {
  return code === 'FOLDER_NOT_EMPTY' || seq === 0
}

/** A deletion that no entry of the source stands for. */
export function deletion(path: RelPath, seq: number): Entry {
  return { seq, path, operation: 'delete', state: null, from: null }
}
