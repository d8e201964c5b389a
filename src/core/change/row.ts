import { RACY_MS } from '../base/limits.ts'
import type { RelPath } from '../path/rel-path.ts'
import { areAlike } from './attributes.ts'
import type { ContentHash, EntryOperation, FileKey, FileState } from './entry.ts'

/**
 * Whether a hash belongs to the content that a row describes. `trusted`: it was made of this very file state.
 * `doubtful`: only ctime changed since, so most likely. `unknown`: there is none.
 */
export type HashTrust = 'trusted' | 'doubtful' | 'unknown'

/** What the journal knows of a path: its final state, and the place of its last change. */
export interface JournalRow {
  readonly path: RelPath
  readonly seq: number
  readonly operation: EntryOperation
  /** Where the content lay before; a hint. */
  readonly from: RelPath | null
  /** Null for what is gone or excluded: a tombstone. */
  readonly state: FileState | null
  /** Null exactly where `hashTrust` is `unknown`. */
  readonly hash: ContentHash | null
  readonly hashTrust: HashTrust
  /** True where the file was read so close to its ctime that a later write could look the same. */
  readonly isRacy: boolean
  /** When the row got its seq, wall clock. */
  readonly changedAtMs: number
  /** Bytes of content that the change takes from targets, or would; absent where it takes none, or a person said yes. */
  readonly lossBytes?: number
}

/** The part of a row that a look at the disk decides; seq and time come when it is recorded. */
export type RowContent = Omit<JournalRow, 'path' | 'seq' | 'changedAtMs'>

/**
 * What a look means for a row. `same`: nothing to write. `quiet`: what a target never sees changed (device number,
 * ctime of a folder), kept without a new seq. `changed`: the row gets a new seq.
 */
export type Comparison =
  | { readonly kind: 'same' }
  | { readonly kind: 'quiet'; readonly content: RowContent }
  | { readonly kind: 'changed'; readonly content: RowContent }

/**
 * Why a path was looked at. `hint`: something happened there, so a racy row that looks the same may still differ.
 * `scan`: nobody said so; a row that is still racy from before a restart may differ just as well. `again`: the second
 * look at a racy row, which settles it. `forced`: someone read the file and it was not what the row says.
 */
export type LookCause = 'hint' | 'scan' | 'again' | 'forced'

export interface Sighting {
  readonly state: FileState
  readonly cause: LookCause
  readonly nowMs: number
  /** False where nobody was given the row yet: then nobody can have read content that is older than this look. */
  readonly mayHaveBeenRead: boolean
}

/** Compares a live row with what was seen at its path. */
export function compare(
  row: JournalRow & { readonly state: FileState },
  seen: Sighting,
): Comparison {
  const isRacy = wasReadTooSoon(seen)
  const { state } = seen
  const kept = { operation: row.operation, from: row.from, state, isRacy }
  if (state.type !== row.state.type || !isSentAlike(state, row.state)) {
    return changed(row, seen)
  }
  if (state.type !== 'file') {
    const content = { ...kept, hash: null, hashTrust: 'unknown' } as const
    const isSame = isStatAlike(state, row.state) && row.isRacy === isRacy
    return isSame ? { kind: 'same' } : { kind: 'quiet', content }
  }
  const mayDiffer =
    seen.cause === 'forced' ||
    !isContentStampAlike(state, row.state) ||
    (row.isRacy && seen.cause !== 'again' && seen.mayHaveBeenRead)
  if (mayDiffer) return changed(row, seen)
  if (isStatAlike(state, row.state) && row.isRacy === isRacy) return { kind: 'same' }
  return { kind: 'quiet', content: { ...kept, hash: row.hash, hashTrust: row.hashTrust } }
}

/** The content of a row for a path that was not in the journal; `before` is the row its content came from, if any. */
export function appeared(seen: Sighting, before: JournalRow | null): RowContent {
  const { state } = seen
  return {
    ...hashAfter(before, seen),
    operation: 'create',
    from: null,
    state,
    isRacy: wasReadTooSoon(seen),
  }
}

function changed(row: JournalRow, seen: Sighting): Comparison {
  const hash = hashAfter(row, seen)
  // Where the content is what it was, the hint where it came from stays true for a target that has not seen it yet.
  const from = hash.hash === null ? null : row.from
  const content = {
    ...hash,
    operation: 'update',
    from,
    state: seen.state,
    isRacy: wasReadTooSoon(seen),
  } as const
  return { kind: 'changed', content }
}

/** A hash outlives a change that left size, mtime and inode alone; trusted only where ctime stayed too. */
function hashAfter(row: JournalRow | null, seen: Sighting): Pick<RowContent, 'hash' | 'hashTrust'> {
  const none = { hash: null, hashTrust: 'unknown' } as const
  const before = row?.state
  const { state, cause } = seen
  if (!row || !before || row.hash === null || state.type !== 'file' || cause === 'forced')
    return none
  const alike =
    before.type === 'file' &&
    before.size === state.size &&
    before.mtimeNs === state.mtimeNs &&
    before.inode === state.inode
  if (!alike || row.isRacy) return none
  const trusted = row.hashTrust === 'trusted' && before.ctimeNs === state.ctimeNs
  return { hash: row.hash, hashTrust: trusted ? 'trusted' : 'doubtful' }
}

/** What travels: a difference here is a change for every target. A folder's size means nothing. */
function isSentAlike(left: FileState, right: FileState): boolean {
  return (
    (left.type !== 'file' || left.size === right.size) &&
    left.mode === right.mode &&
    left.uid === right.uid &&
    left.gid === right.gid &&
    left.mtimeNs === right.mtimeNs &&
    left.linkTarget === right.linkTarget &&
    areAlike(left.attributes, right.attributes)
  )
}

/** What tells that content may differ although size and mtime do not. */
function isContentStampAlike(left: FileState, right: FileState): boolean {
  return left.ctimeNs === right.ctimeNs && left.inode === right.inode
}

function isStatAlike(left: FileState, right: FileState): boolean {
  return (
    isContentStampAlike(left, right) &&
    left.device === right.device &&
    left.birthNs === right.birthNs &&
    left.linkCount === right.linkCount
  )
}

/**
 * File systems stamp ctime from a coarse clock, so a second write right after the reading could leave the same stamp.
 * A ctime far in the future is a wrong clock, not a race. Of what is no file only attributes could change unseen so.
 */
function wasReadTooSoon(seen: Sighting): boolean {
  if (seen.state.type !== 'file' && seen.state.attributes === undefined) return false
  return Math.abs(seen.nowMs - Math.floor(Number(seen.state.ctimeNs) / 1e6)) <= RACY_MS
}

/** What stands for a file among all of its source: of one and the same file it is the same, under whatever name. */
export function fileKey(state: FileState): FileKey {
  const { inode, birthNs, device } = state
  const born = BigInt.asUintN(64, birthNs).toString(36)
  const rest = birthNs === 0n ? `d${device.toString(36)}` : born
  return `${inode.toString(36)}.${rest}` as FileKey
}

/** Tells whether two states are of one and the same file or folder, wherever it lies. */
export function isSameObject(left: FileState, right: FileState): boolean {
  if (left.type !== right.type || left.inode !== right.inode) return false
  // Inode numbers are given again at once; the time of birth tells the files apart. Device numbers change with a mount.
  if (left.birthNs !== 0n || right.birthNs !== 0n) return left.birthNs === right.birthNs
  return left.device === right.device && left.size === right.size && left.mtimeNs === right.mtimeNs
}
