import type { Entry, SentState } from '../change/entry.ts'
import { type RelPath, ROOT, parent } from '../path/rel-path.ts'
import type { Decision } from './decision.ts'
import { noteLacks } from './lacks.ts'
import { isRefusal } from './refusal.ts'
import type { Work } from './work.ts'

/**
 * Gives every folder that the set touched its own mode, owner and mtime, deepest first, since whatever happens in a
 * folder moves its mtime. Folders with an entry get what it says, the others what the index knows.
 */
export function finishFolders(work: Work, decisions: readonly Decision[]): void {
  const folders = new Map<RelPath, Decision | null>([[ROOT, null]])
  for (const path of work.ledger.remade) folders.set(path, null)
  for (const decision of decisions) addTouched(folders, decision)
  for (const path of [...folders.keys()].toSorted().toReversed())
    finishFolder(work, path, folders.get(path) ?? null)
}

function addTouched(folders: Map<RelPath, Decision | null>, decision: Decision): void {
  const { entry, verdict } = decision
  if (verdict.kind === 'pass') return
  const folder = parent(entry.path)
  if (folder !== null && !folders.has(folder)) folders.set(folder, null)
  if (entry.state?.type === 'directory') folders.set(entry.path, decision)
}

function finishFolder(work: Work, path: RelPath, decision: Decision | null): void {
  const entry = decision?.entry ?? null
  if (decision === null || !isFolderEntry(entry) || work.ledger.failed.has(path))
    return restore(work, path)
  const isDone = work.ledger.attempt(entry, () => {
    const disk = work.tree.lstat(path)
    if (disk?.type !== 'directory') return work.ledger.fail(entry, 'IO_ERROR', lost(path))
    const { notes } = work.metadata.apply(path, entry.state, disk)
    work.ledger.applied(entry, disk, null)
    noteLacks(work, entry, { disk, notes })
  })
  if (!isDone && decision.row !== null && work.view.wasMoved(path))
    work.ledger.carried(decision.row)
}

type FolderEntry = Entry & { readonly state: SentState }

function isFolderEntry(entry: Entry | null): entry is FolderEntry {
  return entry?.state?.type === 'directory'
}

function lost(path: RelPath): string {
  return `cannot finish folder ${JSON.stringify(path)}: it was removed on this host meanwhile`
}

function restore(work: Work, path: RelPath): void {
  const row = work.view.get(path)
  if (row?.state.type !== 'directory') return
  try {
    const disk = work.tree.lstat(path)
    if (disk?.type === 'directory') work.metadata.apply(path, row.state, disk)
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    work.deps.notice(`cannot put back the times of ${JSON.stringify(path)}: ${thrown.message}`)
  }
}
