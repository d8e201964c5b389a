import type { Entry, SentState } from '../change/entry.ts'
import { type RelPath, parent } from '../path/rel-path.ts'
import type { Placing, Settling } from './decision.ts'
import { ensureParent } from './folder-making.ts'
import { contentIsGone } from './prepare.ts'
import type { Prepared, Work } from './work.ts'

/** Renames what was prepared into place: a reader sees what was there before, or all of the new. */
export function placeAll(
  work: Work,
  placed: readonly Placing[],
  prepared: ReadonlyMap<RelPath, Prepared>,
): void {
  const knownFolders = new Set<RelPath | null>()
  for (const { entry, verdict } of placed) {
    if (verdict.content.kind === 'folder' || work.ledger.failed.has(entry.path)) continue
    work.ledger.attempt(entry, () => {
      const made = prepared.get(entry.path)
      if (made === undefined) throw contentIsGone(entry.path)
      const folder = parent(entry.path)
      if (!knownFolders.has(folder)) ensureParent(work, entry.path)
      knownFolders.add(folder)
      work.tree.rename(made.path, entry.path)
      work.ledger.unsure.add(entry.path)
      record(work, entry, made.hash)
    })
  }
}

function record(work: Work, entry: Entry & { state: SentState }, hash: Prepared['hash']): void {
  const disk = work.tree.lstat(entry.path)
  if (disk === null) throw contentIsGone(entry.path)
  work.ledger.applied(entry, disk, hash)
}

/** Sets metadata in place where the content is right already. */
export function settleAll(work: Work, settlings: readonly Settling[]): void {
  for (const { entry, verdict, row } of settlings) {
    if (entry.state.type === 'directory') continue
    const isDone = work.ledger.attempt(entry, () => {
      if (work.metadata.apply(entry.path, entry.state, verdict.disk))
        record(work, entry, verdict.hash)
      else work.ledger.applied(entry, verdict.disk, verdict.hash)
    })
    if (!isDone && row !== null && work.view.wasMoved(entry.path)) work.ledger.carried(row)
  }
}
