import { assert } from '../base/assert.ts'
import type { Working } from '../base/working.ts'
import {
  type ContentHash,
  type Entry,
  type FileState,
  type SentState,
  isWithheld,
} from '../change/entry.ts'
import { ROOT, type RelPath, isStaging } from '../path/rel-path.ts'
import { standingOf } from './contest.ts'
import type { Content, Decision, Verdict } from './decision.ts'
import { type IndexRow, type IndexStore, type StoredPending, isUntouched } from './index-store.ts'
import type { LocalContent } from './local-content.ts'
import type { ApplyOptions } from './options.ts'
import { isRefusal } from './refusal.ts'
import type { Siblings } from './siblings.ts'
import type { TargetTree } from './target-tree.ts'

/** SHA-256 of nothing. */
export const EMPTY_HASH =
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' as ContentHash

/** A smaller file is read within the look at it. */
const READ_IN_STRETCHES_BYTES_MIN = 1 << 20

export interface SurveyDependencies {
  readonly tree: TargetTree
  readonly index: Pick<IndexStore, 'get' | 'claims'>
  readonly siblings: Siblings
  readonly local: LocalContent
  readonly options: ApplyOptions
  /** What is held, or was, at a path. */
  readonly heldAt: (path: RelPath) => StoredPending | undefined
  /** Tells whether anything in a folder goes only on a person's word, and has none. */
  readonly holdsStrangers: (folder: RelPath) => boolean
  /** Tells whether the content of a seq arrived. */
  readonly isStaged: (seq: number) => boolean
}

/** Looks at one entry's place on the disk and says what is to be done there. Changes nothing. */
export function survey(deps: SurveyDependencies, entry: Entry): Decision {
  const row = deps.index.get(entry.path)
  try {
    return { entry, row, verdict: judge(deps, entry, row) }
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    return { entry, row, verdict: { kind: 'fail', code: thrown.code, message: thrown.message } }
  }
}

/** Reads a large file that may hold what its entry wants already, so that the look which follows need not. */
export function* readInPlace(deps: SurveyDependencies, { path, state }: Entry): Working<void> {
  if (state?.type !== 'file' || state.hash === null || state.size < READ_IN_STRETCHES_BYTES_MIN)
    return
  const row = deps.index.get(path)
  const disk = lookOrNull(deps, path)
  if (disk?.type !== 'file' || disk.size !== state.size) return
  if (row === null || !isUntouched(row, disk)) yield* deps.local.read(path)
}

/** What cannot be looked at is refused with the entry's own look. */
function lookOrNull({ tree }: SurveyDependencies, path: RelPath): FileState | null {
  try {
    return tree.lstat(path)
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    return null
  }
}

function judge(deps: SurveyDependencies, entry: Entry, row: IndexRow | null): Verdict {
  const refusal = refuse(entry)
  if (refusal !== null) return refusal
  if (entry.state !== null) return judgeState(deps, { ...entry, state: entry.state }, row)
  return judgeGone(deps, entry, row)
}

/** Paths that no honest source sends. */
function refuse(entry: Entry): Verdict | null {
  const isRootGone = entry.path === ROOT && entry.state?.type !== 'directory'
  if (!isRootGone && !isStaging(entry.path)) return null
  return {
    kind: 'fail',
    code: 'PATH_INVALID',
    message: `cannot apply ${JSON.stringify(entry.path)}: the path is not for a source to change`,
  }
}

function judgeGone(deps: SurveyDependencies, entry: Entry, row: IndexRow | null): Verdict {
  if (isWithheld(entry.operation)) return leave(deps, row)
  const isStranger = entry.seq === 0 && deps.heldAt(entry.path)?.isDeletion === true
  // Without a row or a claim, whatever lies there was not put there by this binding.
  if (!isOurs(deps, entry, row) && (!isStranger || deps.options.firstContact === 'adopt'))
    return { kind: 'forget' }
  if (entry.operation === 'excluded' && !deps.options.deleteExcluded) return { kind: 'forget' }
  if (deps.options.deletes === 'keep') return leave(deps, row)
  const disk = deps.tree.lstat(entry.path)
  if (disk === null || isOthers(deps, entry.path, disk)) return { kind: 'forget' }
  // No entry of the source says so: what a full list did not name.
  const needsWord = entry.seq === 0 && (isStranger || row !== null)
  return needsWord && !mayGo(deps, entry.path, disk)
    ? { kind: 'hold', disk }
    : { kind: 'remove', disk }
}

/** The policy, or a person who saw exactly this, lets what lies at a path go. */
function mayGo({ options, heldAt }: SurveyDependencies, path: RelPath, disk: FileState): boolean {
  if (options.firstContact !== 'hold') return true
  const held = heldAt(path)?.held ?? null
  return held?.answer === 'release' && held.disk !== null && isUntouched({ stat: held.disk }, disk)
}

/** Whatever lies there stays; where nothing does, what was to come again never will. */
function leave({ tree }: SurveyDependencies, row: IndexRow | null): Verdict {
  const isAwaited = row?.seq === 0 && tree.lstat(row.path) === null
  return { kind: isAwaited ? 'forget' : 'pass' }
}

/** What another source has goes only with the last of them; but a folder must make room for what is none. */
function isOthers({ siblings }: SurveyDependencies, path: RelPath, disk: FileState): boolean {
  if (siblings.haveClaimed(path)) return true
  const others = siblings.at(path)
  if (disk.type !== 'directory') return others.length > 0
  return others.some(({ row }) => row.state.type === 'directory')
}

type StateEntry = Entry & { readonly state: SentState }

function judgeState(deps: SurveyDependencies, entry: StateEntry, row: IndexRow | null): Verdict {
  const others = deps.siblings.at(entry.path)
  const standing = standingOf(deps.siblings, entry.state, others)
  if (standing === 'yields') return { kind: 'yield', content: contentFor(deps, entry) }
  const disk = deps.tree.lstat(entry.path)
  if (disk === null) return place(deps, entry, null)
  const hash = heldHash(deps, entry, { rows: [row, ...others.map((one) => one.row)], disk })
  if (hash !== 'differs') return { kind: standing === 'leads' ? 'settle' : 'share', disk, hash }
  const isStranger =
    !isOurs(deps, entry, row) && others.length === 0 && !deps.siblings.haveClaimed(entry.path)
  if (!isStranger || isUndecided(entry, disk) || mayMakeRoom(deps, entry.path, disk))
    return place(deps, entry, disk)
  return { kind: 'hold', disk }
}

function mayMakeRoom(deps: SurveyDependencies, path: RelPath, disk: FileState): boolean {
  if (!mayGo(deps, path, disk)) return false
  if (deps.options.firstContact !== 'hold' || disk.type !== 'directory') return true
  return !deps.holdsStrangers(path)
}

function isOurs(deps: SurveyDependencies, entry: Entry, row: IndexRow | null): boolean {
  return row !== null || deps.index.claims().has(entry.path)
}

/** Whether a file in the way is equal shows only when the source has read its own and told the hash. */
function isUndecided(entry: StateEntry, disk: FileState): boolean {
  const { type, size, hash } = entry.state
  return type === 'file' && disk.type === 'file' && hash === null && size === disk.size
}

/** The hash of what already lies in place (null for what is no file) if that is what the entry wants. */
function heldHash(
  deps: SurveyDependencies,
  entry: StateEntry,
  { rows, disk }: { rows: readonly (IndexRow | null)[]; disk: FileState },
): ContentHash | null | 'differs' {
  const { state } = entry
  if (disk.type !== state.type) return 'differs'
  if (state.type === 'symlink') return disk.linkTarget === state.linkTarget ? null : 'differs'
  if (state.type !== 'file') return null
  if (disk.size !== state.size) return 'differs'
  if (state.size === 0) return EMPTY_HASH
  if (state.hash === null) return 'differs'
  const known = rows.find((row) => row !== null && isUntouched(row, disk))
  if (known != null) return known.state.hash === state.hash ? state.hash : 'differs'
  return deps.local.isEqual(entry.path, disk, state.hash) ? state.hash : 'differs'
}

function place(deps: SurveyDependencies, entry: StateEntry, disk: FileState | null): Verdict {
  return { kind: 'place', disk, content: contentFor(deps, entry) }
}

function contentFor(deps: SurveyDependencies, entry: StateEntry): Content {
  const { type, size, hash } = entry.state
  if (type === 'directory') return { kind: 'folder' }
  if (type !== 'file') return { kind: type }
  if (deps.isStaged(entry.seq)) return { kind: 'staged' }
  if (size === 0) return { kind: 'empty' }
  assert(size > 0, 'sizes are parsed')
  const isLocal = hash !== null && deps.local.find(hash, entry.from) !== null
  return isLocal ? { kind: 'local', hash } : { kind: 'wire' }
}
