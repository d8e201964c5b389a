import type { Working } from '../base/working.ts'
import type { Entry, FileState, SentState } from '../change/entry.ts'
import { type RelPath, parent } from '../path/rel-path.ts'
import type { Placing, Settling, Sharing } from './decision.ts'
import { ensureParent } from './folder-making.ts'
import { noteLacks } from './lacks.ts'
import { contentIsGone } from './prepare.ts'
import type { Prepared, Work } from './work.ts'

type StateEntry = Entry & { readonly state: SentState }

/** Renames what was prepared into place: a reader sees what was there before, or all of the new. */
export function* placeAll(
  work: Work,
  placed: readonly Placing[],
  prepared: ReadonlyMap<RelPath, Prepared>,
): Working<void> {
  const knownFolders = new Set<RelPath | null>()
  for (const { entry, verdict } of placed) {
    if (verdict.content.kind === 'folder' || work.ledger.failed.has(entry.path)) continue
    yield
    work.ledger.attempt(entry, () => {
      const made = prepared.get(entry.path)
      if (made === undefined && work.ledger.leftOut.has(entry.path))
        return leaveOut(work, entry, verdict.disk)
      if (made === undefined) throw contentIsGone(entry.path)
      const folder = parent(entry.path)
      if (!knownFolders.has(folder)) ensureParent(work, entry.path)
      knownFolders.add(folder)
      if (made.path !== entry.path) bring(work, made.path, { entry, verdict })
      work.ledger.unsure.add(entry.path)
      record(work, entry, made)
    })
  }
}

function bring(
  { tree }: Work,
  from: RelPath,
  { entry, verdict }: Pick<Placing, 'entry' | 'verdict'>,
) {
  // Where nothing lay, whatever has come there meanwhile is not ours to replace.
  if (verdict.disk === null) tree.place(from, entry.path)
  else tree.rename(from, entry.path)
}

function record(work: Work, entry: StateEntry, made: Omit<Prepared, 'path'>): void {
  const { metadata, ledger } = work
  const disk = lookAt(work, entry.path)
  // It was made for an owner that new files have as a rule.
  const applied = metadata.hasOtherOwner(entry.state, disk)
    ? metadata.apply(entry.path, entry.state, disk)
    : null
  const now = applied?.isChanged === true ? lookAt(work, entry.path) : disk
  ledger.applied(entry, now, made.hash)
  noteLacks(work, entry, { disk: now, notes: made.notes })
}

/** What this place cannot hold at all: nothing of ours lies there, and that is what was applied. */
function leaveOut({ tree, ledger }: Work, entry: StateEntry, disk: FileState | null): void {
  if (disk !== null && disk.type !== 'directory') tree.unlink(entry.path)
  ledger.gone(entry.path)
  ledger.note(entry, ['TYPE_UNSUPPORTED'])
}

function lookAt({ tree }: Work, path: RelPath): FileState {
  const disk = tree.lstat(path)
  if (disk === null) throw contentIsGone(path)
  return disk
}

/** Sets metadata in place where the content is right already. */
export function* settleAll(work: Work, settlings: readonly Settling[]): Working<void> {
  for (const { entry, verdict, row } of settlings) {
    if (entry.state.type === 'directory') continue
    yield
    const isDone = work.ledger.attempt(entry, () => {
      const { isChanged, notes } = work.metadata.apply(entry.path, entry.state, verdict.disk)
      if (isChanged) return record(work, entry, { hash: verdict.hash, notes })
      work.ledger.applied(entry, verdict.disk, verdict.hash)
      noteLacks(work, entry, { disk: verdict.disk, notes })
    })
    if (!isDone && row !== null && work.view.wasMoved(entry.path)) work.ledger.carried(row)
  }
}

/** What another source has put there is this binding's as well. */
export function shareAll({ ledger }: Work, sharings: readonly Sharing[]): void {
  for (const { entry, verdict } of sharings)
    if (entry.state.type !== 'directory') ledger.applied(entry, verdict.disk, verdict.hash)
}
