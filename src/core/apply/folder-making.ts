import { AppError } from '../base/errors.ts'
import type { Working } from '../base/working.ts'
import type { SentState } from '../change/entry.ts'
import { type RelPath, ROOT, parent } from '../path/rel-path.ts'
import { type Placing, type Removing, byPath } from './decision.ts'
import { removeVisible } from './extras.ts'
import { notEmpty } from './refusal.ts'
import { removeAll } from './removal.ts'
import type { Prepared, Work } from './work.ts'

/** Empties and removes folders whose place gets something that is no folder. */
export function* makeRoom(
  work: Work,
  placed: readonly Placing[],
  gone: readonly Removing[],
): Working<void> {
  const blocked = placed.filter(
    ({ verdict }) => verdict.disk?.type === 'directory' && verdict.content.kind !== 'folder',
  )
  if (blocked.length === 0) return
  const paths = new Set(blocked.map(({ entry }) => entry.path))
  yield* removeAll(
    work,
    gone.filter(({ entry }) => hasAncestorIn(entry.path, paths)),
  )
  for (const placing of blocked) work.ledger.attempt(placing.entry, () => clear(work, placing))
}

function hasAncestorIn(path: RelPath, folders: ReadonlySet<RelPath>): boolean {
  for (let above = parent(path); above !== null; above = parent(above))
    if (folders.has(above)) return true
  return false
}

function clear(work: Work, { entry, row }: Placing): void {
  if (work.deps.siblings.areBelow(entry.path)) throw notEmpty(entry.path)
  if (row === null && work.deps.options.firstContact === 'replace') removeVisible(work, entry.path)
  if (!work.tree.removeDirectory(entry.path)) throw notEmpty(entry.path)
}

/** Makes the folders of the set, parents first, or brings them filled; what is no folder and in the way goes. */
export function makeFolders(
  work: Work,
  placed: readonly Placing[],
  prepared: Map<RelPath, Prepared>,
): void {
  const sound = placed.filter(({ entry }) => !work.ledger.failed.has(entry.path))
  const paths = new Set(sound.map(({ entry }) => entry.path))
  for (const { entry, verdict } of placed.toSorted(byPath)) {
    if (verdict.content.kind !== 'folder' || work.ledger.failed.has(entry.path)) continue
    work.ledger.attempt(entry, () => {
      if (verdict.disk !== null && verdict.disk.type !== 'directory') work.tree.unlink(entry.path)
      ensureParent(work, entry.path)
      if (!work.folders.place(entry.path, paths, prepared))
        work.tree.makeDirectory(entry.path, firstMode(work, entry.state))
      work.ledger.unsure.add(entry.path)
    })
  }
}

/** Writable while the set works in it; its own mode comes last. */
export function firstMode({ metadata }: Pick<Work, 'metadata'>, state: SentState): number {
  return metadata.newMode(state) | 0o700
}

/**
 * Makes the folders above a path where this host lost them, or where their own entries come with a later set. Those get
 * a row as well, so that they go when the source says so.
 */
export function ensureParent(work: Work, path: RelPath): void {
  const folder = parent(path)
  if (folder === null || folder === ROOT) return
  const disk = work.tree.lstat(folder)
  if (disk?.type === 'directory') return
  if (disk !== null)
    throw new AppError(
      'EXTRA_IN_THE_WAY',
      `cannot place ${JSON.stringify(path)}: what should be its folder is none`,
    )
  ensureParent(work, folder)
  const row = work.view.get(folder)
  // What it had comes back at the end of the set; until then it is nobody's but ours.
  work.tree.makeDirectory(folder, row === null ? 0o755 : 0o700)
  if (row !== null) work.ledger.remade.add(folder)
  const made = row === null ? work.tree.lstat(folder) : null
  if (made !== null) work.ledger.implied(folder, made)
}
