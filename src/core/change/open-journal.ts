import type { JournalState, JournalStore } from './journal-store.ts'
import type { KnownRoot } from './known-root.ts'

export interface JournalOpening {
  /** The view that the caller wants; a new journal starts with it. */
  readonly view: string
  readonly viewRevision: number
  /** The last position of this source that anyone else is known to have; null where nobody has any. */
  readonly known: { readonly epoch: string; readonly seq: number } | null
  /** Makes a random id. */
  readonly newEpoch: () => string
}

/**
 * Makes the journal of a source, or takes up the one that is there, and notes that it is in use. A new epoch begins
 * with a new journal, and where others know more of this epoch than the journal does: then it is an older copy, and its
 * numbers would be given a second meaning.
 */
export function openJournal(store: JournalStore, opening: JournalOpening): JournalState {
  const found = store.state()
  const { known } = opening
  const isOlderCopy =
    found !== null && known !== null && known.epoch === found.epoch && known.seq > found.headSeq
  return store.durably(() => {
    if (found === null) return put(store, newState(opening))
    if (isOlderCopy) store.drop('tombstones')
    const epoch = isOlderCopy ? newEpochState(found, opening.newEpoch()) : found
    return put(store, upAgain(epoch))
  })
}

export interface EpochRestart {
  readonly newEpoch: () => string
  /** `rows`: what is known stays, targets compare full lists. `nothing`: the source is another folder now. */
  readonly keep: 'rows' | 'nothing'
  /** With `rows`: the folder that is the root from now on, where that is another one. */
  readonly root?: KnownRoot
}

/** Starts a new epoch of the journal that is there. No `Journal` may be in use; open one again afterwards. */
export function restartEpoch(store: JournalStore, { newEpoch, keep, root }: EpochRestart): void {
  const found = store.state()
  if (found === null) return
  store.durably(() => {
    store.drop(keep === 'nothing' ? 'everything' : 'tombstones')
    const known = keep === 'rows' ? (root ?? found.root) : null
    const counts = keep === 'nothing' ? { fileCount: 0, totalBytes: 0 } : {}
    store.putState({ ...newEpochState(found, newEpoch()), root: known, ...counts })
  })
}

function newState(opening: JournalOpening): JournalState {
  return {
    epoch: opening.newEpoch(),
    headSeq: 0,
    reservedSeq: 0,
    isClean: false,
    root: null,
    view: opening.view,
    viewRevision: opening.viewRevision,
    fileCount: 0,
    totalBytes: 0,
    completeAtMs: null,
    releasedSeq: 0,
  }
}

/** Seqs go on rising: rows keep theirs, so a full list of the new epoch is in the same order. */
function newEpochState(state: JournalState, epoch: string): JournalState {
  return { ...state, epoch, completeAtMs: null }
}

/** After an unclean stop everything up to the reservation counts as given out. */
function upAgain(state: JournalState): JournalState {
  const reservedSeq = state.isClean ? state.headSeq : state.reservedSeq
  return { ...state, reservedSeq, isClean: false }
}

function put(store: JournalStore, state: JournalState): JournalState {
  store.putState(state)
  return state
}
