import type { ByteString } from '../base/byte-string.ts'
import type { Working } from '../base/working.ts'
import type { FileState } from '../change/entry.ts'
import { type RelPath, ROOT, child, isStaging } from '../path/rel-path.ts'
import { isUntouched } from './index-store.ts'
import type { ApplyDependencies } from './options.ts'
import { isRefusal } from './refusal.ts'
import { areWithin } from './siblings.ts'
import type { Work } from './work.ts'

/** Made by the file system itself at the top of each of its own. */
const LOST_AND_FOUND = child(ROOT, 'lost+found' as ByteString)

/** Tells whether a root holds nothing of anybody. */
export function isEmpty(tree: ApplyDependencies['tree']): boolean {
  return (tree.list(ROOT) ?? []).every((name) => isStaging(child(ROOT, name)))
}

/**
 * Holds everything below a folder that nobody knows and the filter lets through: it would have to go for the tree to be
 * what the source has. `named` are the paths of this set.
 */
export function* holdStrangers(
  work: Work,
  folder: RelPath,
  named: ReadonlySet<RelPath>,
): Working<void> {
  const { view, ledger, deps } = work
  const pending = new Set(deps.index.pending().flatMap(({ path, seq }) => (seq > 0 ? [path] : [])))
  const isKnown = (path: RelPath) =>
    view.get(path) !== null ||
    named.has(path) ||
    ledger.puts.has(path) ||
    pending.has(path) ||
    areWithin(deps.siblings, path)
  for (const { path, disk } of strangersBelow(work, folder, isKnown)) {
    yield
    if (disk !== null) ledger.hold({ seq: 0, path, state: null }, disk)
  }
}

/** Tells whether anything below a folder that nobody knows may not go yet, or is not what was shown. */
export function hasUnanswered(work: Work, folder: RelPath): boolean {
  const { view, held, deps } = work
  const isKnown = (path: RelPath) => view.get(path) !== null || areWithin(deps.siblings, path)
  for (const { path, disk } of strangersBelow(work, folder, isKnown)) {
    const { answer = null, disk: shown = null } = held.get(path)?.held ?? {}
    const isReleased = answer === 'release' && shown !== null
    if (disk !== null && !(isReleased && isUntouched({ stat: shown }, disk))) return true
  }
  return false
}

interface Looked {
  readonly path: RelPath
  /** Null where it is no stranger. */
  readonly disk: FileState | null
}

/** Gives every path that was looked at. A folder is a stranger where all in it is, and comes after that. */
function* strangersBelow(
  work: Work,
  folder: RelPath,
  isKnown: (path: RelPath) => boolean,
): Generator<Looked, boolean> {
  let areAll = true
  for (const name of attempt(work, folder, () => work.tree.list(folder)) ?? []) {
    const path = child(folder, name)
    if (isStaging(path)) continue
    const disk = path === LOST_AND_FOUND ? null : lookAt(work, path)
    const isFolder = disk?.type === 'directory'
    const isWhole = !isFolder || (yield* strangersBelow(work, path, isKnown))
    const isStranger =
      disk !== null && isWhole && !isKnown(path) && work.deps.isVisible(path, isFolder)
    areAll &&= isStranger
    yield { path, disk: isStranger ? disk : null }
  }
  return areAll
}

function lookAt(work: Work, path: RelPath): FileState | null {
  if (work.view.get(path)?.state.type === 'file') return null
  return attempt(work, path, () => work.tree.lstat(path))
}

/** What cannot be looked at is left alone. */
function attempt<T>(work: Work, path: RelPath, look: () => T): T | null {
  try {
    return look()
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    work.deps.notice(`cannot look at ${JSON.stringify(path)}: ${thrown.message}`)
    return null
  }
}
