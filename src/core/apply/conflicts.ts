import type { Working } from '../base/working.ts'
import type { FileState, SentState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { Asides } from './asides.ts'
import { isAlike, leaderOf, standingOf } from './contest.ts'
import type { Decision, Placing, Yielding } from './decision.ts'
import { type IndexRow, type StoredPending, isUntouched } from './index-store.ts'
import type { NotedPath } from './notes.ts'
import type { ApplyDependencies } from './options.ts'
import { contentIsGone } from './prepare.ts'
import type { SiblingRow } from './siblings.ts'
import type { Prepared, Work } from './work.ts'

/** What a set means for a path of another binding of the same root. */
export type OtherChange =
  /** What it wants is to lie there and does not: its source sends it again. */
  | { readonly kind: 'resend'; readonly bindingId: string; readonly pending: StoredPending }
  /** Another version lies there. */
  | { readonly kind: 'lost'; readonly bindingId: string; readonly noted: NotedPath }
  /** What lies there is what it wants. */
  | { readonly kind: 'settled'; readonly bindingId: string; readonly path: RelPath }

/** As placings: what is kept aside is completed in staging like all else. */
export function asPlacings(yielding: readonly Yielding[]): Placing[] {
  return yielding.map(({ entry, row, verdict: { content } }) => ({
    entry,
    row,
    verdict: { kind: 'place', disk: null, content },
  }))
}

/** A version that must make room, complete in staging. */
interface KeptCopy {
  readonly bindingId: string
  readonly path: RelPath
  readonly copy: RelPath
}

/** Copies what others have where this set places something else: it is kept aside once the copies are durable. */
export function copyOthers(work: Work, placed: readonly Placing[]): KeptCopy[] {
  const copies: KeptCopy[] = []
  for (const { entry, verdict } of placed) {
    const { path } = entry
    const { disk } = verdict
    if (disk === null || !isKeepable(disk) || work.ledger.failed.has(path)) continue
    for (const { bindingId, row } of work.deps.siblings.at(path)) {
      if (isAlike(entry.state, row.state) || !isVersion(row, disk)) continue
      work.asides.attempt(path, () => {
        const copy = work.staging.newPath()
        makeCopy(work, row, copy)
        copies.push({ bindingId, path, copy })
      })
    }
  }
  return copies
}

/** Its ctime may have moved: an unclean stop took a further name of it away again. */
function isVersion({ stat }: IndexRow, disk: FileState): boolean {
  const { type, inode, size, mtimeNs } = disk
  const isSame = type === stat.type && inode === stat.inode && size === stat.size
  return isSame && mtimeNs === stat.mtimeNs
}

/** Anything else says nothing but that it was there. */
function isKeepable({ type }: FileState): boolean {
  return type === 'file' || type === 'symlink'
}

/** Another name is enough for what is about to be replaced, and takes no time; but names tell whose a shared file is. */
function makeCopy({ tree, metadata }: Work, { path, state }: IndexRow, to: RelPath): void {
  if (state.linkTarget !== null) return tree.makeSymlink(to, state.linkTarget)
  if (tree.lstat(path)?.linkCount === 1 && tree.link(path, to)) return
  tree.copy(path, to)
  const copy = tree.lstat(to)
  if (copy !== null) metadata.apply(to, state, copy)
}

/** Puts these aside. */
export function keepOthers({ tree, asides }: Work, copies: readonly KeptCopy[]): void {
  for (const { bindingId, path, copy } of copies)
    asides.keep(bindingId, path, (to) => tree.rename(copy, to))
}

/** Puts aside what yields. */
export function* yieldAll(
  work: Work,
  yielding: readonly Yielding[],
  prepared: ReadonlyMap<RelPath, Prepared>,
): Working<void> {
  for (const { entry } of yielding) {
    if (work.ledger.failed.has(entry.path)) continue
    yield
    work.ledger.attempt(entry, () => {
      const made = prepared.get(entry.path)
      if (made === undefined && !work.ledger.leftOut.has(entry.path))
        throw contentIsGone(entry.path)
      if (made !== undefined)
        work.asides.keep(work.deps.bindingId, entry.path, (to) => work.tree.rename(made.path, to))
      work.ledger.yielded(entry, made?.hash ?? null)
    })
  }
}

/** Says what the set means for other bindings, as the disk looks now. */
export function otherChanges(work: Work, decisions: readonly Decision[]): OtherChange[] {
  return decisions.flatMap(({ entry }) => changesAt(work, entry.path))
}

function changesAt(work: Work, path: RelPath): OtherChange[] {
  const { ledger, asides, deps } = work
  const state = ledger.puts.get(path)?.state
  if (state === undefined && !ledger.removes.has(path)) return []
  const others = deps.siblings.at(path)
  const standing = state === undefined ? 'yields' : standingOf(deps.siblings, state, others)
  if (state === undefined || standing !== 'yields') asides.drop(deps.bindingId, path)
  const resent = standing === 'leads' ? [] : missingLeader(work, path, others)
  if (state === undefined || standing === 'yields') return resent
  return [...resent, ...others.map((other) => told(asides, state, other))]
}

/** What it means for another that a state lies at a path. */
function told(asides: Asides, state: SentState, { bindingId, row }: SiblingRow): OtherChange {
  const { path, seq } = row
  if (!isAlike(state, row.state))
    return { kind: 'lost', bindingId, noted: { path, seq, code: 'CONFLICT' } }
  asides.drop(bindingId, path)
  return { kind: 'settled', bindingId, path }
}

/** The one whose version is to lie there has to send it again, unless it lies there. */
function missingLeader(work: Work, path: RelPath, others: readonly SiblingRow[]): OtherChange[] {
  const leader = leaderOf(work.deps.siblings.conflict, others)
  if (leader === null || leader.row.seq === 0) return []
  if (isInPlace(leader.row, work.tree.lstat(path))) return []
  return [{ kind: 'resend', bindingId: leader.bindingId, pending: toComeAgain(leader.row) }]
}

/** Folders have got what their leader wants when the set ended; of all else the metadata may be another's. */
function isInPlace(row: IndexRow, disk: FileState | null): boolean {
  if (!isUntouched(row, disk)) return false
  const { mtimeNs, mode, uid, gid, type } = row.state
  if (type === 'directory') return true
  const isSame = disk.mtimeNs === mtimeNs && disk.uid === uid && disk.gid === gid
  return isSame && (type === 'symlink' || disk.mode === mode)
}

/** Says of a binding itself what its source must send again, because those who went before it are none any more. */
export function comesAgain({ index, siblings, tree, bindingId }: ApplyDependencies): OtherChange[] {
  return index.conflicts().flatMap((path): OtherChange[] => {
    const row = index.get(path)
    if (row === null || row.seq === 0) return []
    if (standingOf(siblings, row.state, siblings.at(path)) === 'yields') return []
    if (isInPlace(row, tree.lstat(path))) return []
    return [{ kind: 'resend', bindingId, pending: toComeAgain(row) }]
  })
}

/** The pending entry of a path at which what its source wants must be sent again. */
function toComeAgain({ path, seq, list }: IndexRow): StoredPending {
  const message = `cannot place ${JSON.stringify(path)} yet: another source's version lay there, so it comes again`
  return { seq, path, code: 'CONFLICT', message, isDeletion: false, list, held: null }
}
