import type { Entry } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { IndexStore, StoredPending } from './index-store.ts'
import type { ApplyDependencies } from './options.ts'

const PAGE = 1000

/**
 * After a full list: the paths that the index has and the list did not name. That they are gone at the source is likely,
 * not certain (its journal may be new), so `hold` leaves them pending until a person decides.
 */
export function unnamedPaths(index: IndexStore, list: number, named: ReadonlySet<RelPath>) {
  const paths: RelPath[] = []
  let after: RelPath | undefined
  while (true) {
    const page = index.olderThan(list, PAGE, after)
    for (const { path } of page) if (!named.has(path)) paths.push(path)
    after = page.at(-1)?.path
    if (page.length < PAGE) return paths
  }
}

/** The pending entry of a path that is held back. It has no seq of its own: nothing of the source stands for it. */
export function heldPending(path: RelPath, list: number): StoredPending {
  return {
    seq: 0,
    path,
    code: 'FIRST_CONTACT',
    message: `${JSON.stringify(path)} is no longer named by its source`,
    isDeletion: true,
    list,
  }
}

/** The deletions that the target tries again by itself, as if the source had sent them again. */
export function ownRetries(deps: ApplyDependencies, named: ReadonlySet<RelPath>): Entry[] {
  return deps.index
    .pending()
    .filter((one) => one.isDeletion && !named.has(one.path) && isDue(deps, one))
    .map(({ path, seq }) => deletion(path, seq))
}

/** Folders that were not empty, and what was held back once the policy says what to do with it. */
function isDue({ options }: ApplyDependencies, { code }: StoredPending): boolean {
  if (code === 'FIRST_CONTACT') return options.firstContact !== 'hold'
  return code === 'FOLDER_NOT_EMPTY'
}

/** A deletion that no entry of the source stands for. */
export function deletion(path: RelPath, seq: number): Entry {
  return { seq, path, operation: 'delete', state: null, from: null }
}
