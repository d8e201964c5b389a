import type { Entry, FileState, SentState } from '../change/entry.ts'
import { type RelPath, ROOT, parent } from '../path/rel-path.ts'
import { leadingState } from './contest.ts'
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
  for (const decision of decisions) {
    addTouched(folders, decision)
    // What is left to others gets what they want.
    const { entry, verdict } = decision
    const isLeft = verdict.kind === 'forget' || verdict.kind === 'yield'
    if (isLeft && work.deps.siblings.at(entry.path).length > 0) folders.set(entry.path, null)
  }
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
  if (decision.verdict.kind === 'share') return share(work, entry, decision.verdict.disk)
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

/** Another source goes before, so its mode and times stand. */
function share(work: Work, entry: FolderEntry, disk: FileState): void {
  work.ledger.applied(entry, disk, null)
  restore(work, entry.path, entry.state)
}

type FolderEntry = Entry & { readonly state: SentState }

function isFolderEntry(entry: Entry | null): entry is FolderEntry {
  return entry?.state?.type === 'directory'
}

function knownState({ view, ledger }: Work, path: RelPath): SentState | null {
  if (ledger.removes.has(path)) return null
  const put = ledger.puts.get(path)
  // Of a folder that was only made for what is in it nobody has said anything.
  return (put?.seq === 0 ? null : put?.state) ?? view.get(path)?.state ?? null
}

function lost(path: RelPath): string {
  return `cannot finish folder ${JSON.stringify(path)}: it was removed on this host meanwhile`
}

function restore(work: Work, path: RelPath, own = knownState(work, path)): void {
  const standing = leadingState(work.deps.siblings, path, own)
  if (standing?.type !== 'directory') return
  try {
    const disk = work.tree.lstat(path)
    if (disk?.type === 'directory') work.metadata.apply(path, standing, disk)
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    work.deps.notice(`cannot put back the times of ${JSON.stringify(path)}: ${thrown.message}`)
  }
}
