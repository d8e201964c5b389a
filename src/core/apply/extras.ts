import { type RelPath, ROOT, child, isStaging } from '../path/rel-path.ts'
import { isRefusal } from './refusal.ts'
import { areWithin } from './siblings.ts'
import type { Work } from './work.ts'

/**
 * Removes everything below a folder that the filter lets through and nobody knows: on a person's word only
 * (`firstContact: replace`).
 */
export function removeExtras(work: Work, named: ReadonlySet<RelPath>): void {
  const isKnown = (path: RelPath) =>
    named.has(path) || work.view.get(path) !== null || areWithin(work.deps.siblings, path)
  sweep(work, ROOT, isKnown)
}

/** Removes everything below a folder that the filter lets through. */
export function removeVisible(work: Work, folder: RelPath): void {
  sweep(work, folder, () => false)
}

function sweep(work: Work, folder: RelPath, isKnown: (path: RelPath) => boolean): void {
  for (const name of work.tree.list(folder) ?? []) {
    const path = child(folder, name)
    if (!isStaging(path)) sweepOne(work, path, isKnown)
  }
}

function sweepOne(work: Work, path: RelPath, isKnown: (path: RelPath) => boolean): void {
  try {
    const isDirectory = work.tree.lstat(path)?.type === 'directory'
    if (isDirectory) sweep(work, path, isKnown)
    if (isKnown(path) || !work.deps.isVisible(path, isDirectory)) return
    if (isDirectory) work.tree.removeDirectory(path)
    else work.tree.unlink(path)
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    work.deps.notice(`cannot remove extra ${JSON.stringify(path)}: ${thrown.message}`)
  }
}
