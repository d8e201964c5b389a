import { AppError } from '../base/errors.ts'
import type { Entry, SentState } from '../change/entry.ts'
import { type RelPath, ROOT, parent } from '../path/rel-path.ts'
import {
  type Decision,
  type Placing,
  type Removing,
  type Settling,
  byPath,
  placings,
} from './decision.ts'
import { assignMoves } from './displacement.ts'
import { removeVisible } from './extras.ts'
import { contentIsGone, finish, prepare } from './prepare.ts'
import type { Prepared, Work } from './work.ts'

export interface Preparation {
  /** What lies complete in staging, by the path it is for. */
  readonly prepared: Map<RelPath, Prepared>
  /** What gets its content from where it lay before: consumer → supplier. */
  readonly moves: ReadonlyMap<RelPath, RelPath>
}

/**
 * Completes in staging what is placed from new content or copies. What cannot be completed fails now, before anything
 * is touched, and what lies in its place is then no longer free to move: its consumers copy instead.
 */
export function prepareAll(work: Work, decisions: readonly Decision[]): Preparation {
  const prepared = new Map<RelPath, Prepared>()
  while (true) {
    const live = decisions.filter(({ entry }) => !work.ledger.failed.has(entry.path))
    const moves = assignMoves(live, prepared)
    const open = placings(live).filter(
      ({ entry }) => !moves.has(entry.path) && !prepared.has(entry.path),
    )
    const done = open.map((placing) => prepareOne(work, placing, prepared))
    if (done.every(Boolean)) return { prepared, moves }
  }
}

function prepareOne(work: Work, placing: Placing, prepared: Map<RelPath, Prepared>): boolean {
  return work.ledger.attempt(placing.entry, () => {
    const made = prepare(work, placing)
    if (made !== null) prepared.set(placing.entry.path, made)
  })
}

/** Moves into staging what leaves its place and is wanted elsewhere in this set. */
export function displace(
  work: Work,
  consumers: readonly Placing[],
  { prepared, moves }: Preparation,
): void {
  const moving = consumers.filter(({ entry }) => moves.has(entry.path))
  for (const { entry } of moving) {
    work.ledger.attempt(entry, () => {
      const path = work.staging.displacedPath(entry.path)
      work.tree.rename(moves.get(entry.path) ?? entry.path, path)
      prepared.set(entry.path, { path, hash: entry.state.hash })
    })
  }
  for (const { entry } of moving) {
    const made = prepared.get(entry.path)
    if (made !== undefined) work.ledger.attempt(entry, () => finish(work, made.path, entry))
  }
}

/** Empties and removes folders whose place gets something that is no folder. */
export function makeRoom(work: Work, placed: readonly Placing[], gone: readonly Removing[]): void {
  const blocked = placed.filter(
    ({ verdict }) => verdict.disk?.type === 'directory' && verdict.content.kind !== 'folder',
  )
  if (blocked.length === 0) return
  const paths = new Set(blocked.map(({ entry }) => entry.path))
  removeAll(
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
  if (row === null && work.deps.options.firstContact === 'replace') removeVisible(work, entry.path)
  if (!work.tree.removeDirectory(entry.path)) throw notEmpty(entry.path)
}

function notEmpty(path: RelPath): AppError {
  return new AppError(
    'FOLDER_NOT_EMPTY',
    `cannot remove folder ${JSON.stringify(path)}: it holds what is not of this source`,
  )
}

/** Makes the folders of the set, parents first; what is no folder and in the way goes. */
export function makeFolders(work: Work, placed: readonly Placing[]): void {
  for (const { entry, verdict } of placed.toSorted(byPath)) {
    if (verdict.content.kind !== 'folder' || work.ledger.failed.has(entry.path)) continue
    work.ledger.attempt(entry, () => {
      if (verdict.disk !== null && verdict.disk.type !== 'directory') work.tree.unlink(entry.path)
      ensureParent(work, entry.path)
      // Writable while the set works in it; its own mode comes last.
      work.tree.makeDirectory(entry.path, work.metadata.newMode(entry.state) | 0o700)
      work.ledger.unsure.add(entry.path)
    })
  }
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
  work.tree.makeDirectory(folder, (row?.state.mode ?? 0o755) | 0o700)
  const made = row === null ? work.tree.lstat(folder) : null
  if (made !== null) work.ledger.implied(folder, made)
}

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

/** Deletes, deepest first. A folder that still holds something of others stays, pending. */
export function removeAll(work: Work, gone: readonly Removing[]): void {
  for (const { entry, verdict } of gone.toSorted((one, other) => byPath(other, one))) {
    if (work.ledger.removes.has(entry.path)) continue
    work.ledger.attempt(entry, () => {
      if (verdict.disk.type !== 'directory') work.tree.unlink(entry.path)
      else if (!work.tree.removeDirectory(entry.path)) throw notEmpty(entry.path)
      work.ledger.gone(entry.path)
    })
  }
}
