import { assert } from '../base/assert.ts'
import type { RelPath } from '../path/rel-path.ts'
import { Breaker } from './breaker.ts'
import type { HashFinding, JournalState, JournalStore, SeqRange } from './journal-store.ts'
import type { KnownRoot } from './known-root.ts'
import type { JournalOptions, Leaving, Observation, Recorded } from './observation.ts'
import { Recording, type RecordingTools } from './recording.ts'
import type { JournalRow } from './row.ts'
import { Sequence } from './sequence.ts'

/** What is held, as people are asked about it. */
export interface Hold {
  /** Names exactly these rows. */
  readonly fingerprint: string
  /** They lie above the one seq and up to the other. */
  readonly from: number
  readonly to: number
  readonly deletes: number
  readonly updates: number
  readonly bytes: number
  readonly sinceMs: number
  /** Some of the paths. */
  readonly sample: readonly RelPath[]
}

/** Paths of a hold that are shown. */
const HOLD_SAMPLE_MAX = 20
/** As many as ext4 allows. What a change by one name makes of further ones, a rescan finds. */
const NAMES_MAX = 65_000

/**
 * The journal of one source: what was seen becomes rows with seqs. Every method is one transaction (durable where seqs
 * are given), and afterwards the disk, the store and what this object says agree; where one throws, nothing changed.
 *
 * Rows created or updated get their seqs before the rows that leave, so that a target meets a rename's new name while
 * it still has the old; parents before children when they come, children before parents when they go.
 */
export class Journal {
  readonly #store: JournalStore
  readonly #options: JournalOptions
  #state: JournalState
  #sequence: Sequence
  #handedOutSeq: number
  /** As it was when the journal stood there. */
  #hold: { readonly at: string; readonly hold: Hold | null } | null = null

  /** The store must hold a state: see `openJournal`. */
  constructor(store: JournalStore, options: JournalOptions) {
    const state = store.state()
    assert(state !== null, 'a journal is made before it is used')
    this.#store = store
    this.#options = options
    this.#state = state
    this.#sequence = new Sequence(state)
    this.#handedOutSeq = state.headSeq
  }

  get epoch(): string {
    return this.#state.epoch
  }

  get headSeq(): number {
    return this.#sequence.head
  }

  /** What the journal knows of itself, as of the last method that returned. */
  get state(): JournalState {
    return this.#state
  }

  /** Rows with `after < seq <= upTo` in order of seq. */
  changes(range: SeqRange): JournalRow[] {
    return this.#store.changes(range)
  }

  /** The same, for someone who will read the files: from now on a racy row of these may have been read too early. */
  handOut(range: SeqRange): JournalRow[] {
    const rows = this.#store.changes(range)
    this.#handedOutSeq = Math.max(this.#handedOutSeq, rows.at(-1)?.seq ?? 0)
    return rows
  }

  /** What the journal knows of a path; null for one it never heard of. */
  row(path: RelPath): JournalRow | null {
    return this.#store.get(path)
  }

  /** Paths of live rows with this inode number: the names of one file, if no number was given twice. */
  pathsOfInode(inode: bigint): RelPath[] {
    return this.#store.liveByInode(inode, NAMES_MAX).map((row) => row.path)
  }

  /** Live rows strictly below a folder, in tree order. */
  liveBelow(folder: RelPath, beyond: RelPath | null, limit: number): JournalRow[] {
    return this.#store.liveBelow({ folder, beyond, limit, direction: 'parentsFirst' })
  }

  /** Records what was seen, in tree order whatever the order of the observations. */
  record(observations: readonly Observation[], nowMs: number): Recorded {
    return this.#transaction(() => new Recording(this.#tools(nowMs), nowMs).run(observations))
  }

  /** Goes on removing what `record` left over; the same bound holds. */
  remove(leaving: readonly Leaving[], nowMs: number): Recorded {
    return this.#transaction(() => new Recording(this.#tools(nowMs), nowMs).remove(leaving))
  }

  /** Gives every row of a page a new seq, as its metadata is sent differently from now on. */
  resend(rows: readonly JournalRow[], nowMs: number): void {
    this.#transaction(() => new Recording(this.#tools(nowMs), nowMs).resend(rows))
  }

  /** What is held and waits for a word; null for nothing. */
  get hold(): Hold | null {
    const at = `${this.headSeq} ${this.#state.releasedSeq}`
    if (this.#hold?.at !== at) this.#hold = { at, hold: this.#readHold() }
    return this.#hold.hold
  }

  #readHold(): Hold | null {
    const { epoch, releasedSeq } = this.#state
    const held = this.#store.heldAbove(releasedSeq)
    if (held === null) return null
    const { deletes, updates, bytes, rowCount, firstSeq, lastSeq, sinceMs } = held
    const range = { after: releasedSeq, upTo: lastSeq, limit: HOLD_SAMPLE_MAX }
    const sample = this.#store.held(range).map(({ path }) => path)
    // Seqs are never given twice, so the same end and the same number are the same rows.
    const fingerprint = `${epoch}.${lastSeq}.${rowCount}`
    const size = { deletes, updates, bytes }
    return { fingerprint, from: firstSeq - 1, to: lastSeq, ...size, sinceMs, sample }
  }

  /**
   * Takes a person's word about exactly what was shown: false where something else is held by now. What may go leaves
   * with `releaseSome`, also after a restart; what is kept stays on targets for good.
   */
  resolveHold(fingerprint: string, decision: 'release' | 'keep'): boolean {
    const held = this.#store.heldAbove(this.#state.releasedSeq)
    if (held === null || this.hold?.fingerprint !== fingerprint) return false
    this.#hold = null
    if (decision === 'release') this.#putState({ releasedSeq: held.lastSeq })
    else this.#transaction(() => this.#store.keepHeld(this.#state.releasedSeq))
    return true
  }

  /** Lets a stretch of what was released go; false where nothing is left of it. */
  releaseSome(nowMs: number): boolean {
    const upTo = this.#state.releasedSeq
    const limit = this.#options.removeMax
    const rows = upTo === 0 ? [] : this.#store.held({ after: 0, upTo, limit })
    if (rows.length > 0)
      this.#transaction(() => new Recording(this.#tools(nowMs), nowMs).release(rows))
    return rows.length > 0
  }

  /** Keeps hashes, each where its row still has the seq and the file still looked like the row when it was read. */
  keepHashes(findings: readonly HashFinding[]): void {
    this.#store.atomically(() => {
      for (const finding of findings) {
        this.#store.keepHash(finding)
        if (finding.forAllNames === true) this.#keepForOthers(finding)
      }
    })
  }

  #keepForOthers(finding: HashFinding): void {
    for (const { path, seq } of this.#store.liveByInode(finding.fingerprint.inode, NAMES_MAX))
      if (path !== finding.path) this.#store.keepHash({ ...finding, path, seq })
  }

  /** Says up to which time everything is journalled. */
  complete(atMs: number): void {
    this.#putState({ completeAtMs: atMs })
  }

  /** Takes the root's identity for the known one. */
  adoptRoot(root: KnownRoot): void {
    this.#putState({ root })
  }

  /** Says that the rows are those of this view. */
  adoptView(view: string, viewRevision: number): void {
    this.#putState({ view, viewRevision })
  }

  /** The last word of a clean stop: numbering may go on where it stands. */
  close(): void {
    this.#putState({ isClean: true })
  }

  #putState(part: Partial<JournalState>): void {
    this.#transaction(() => {
      this.#state = { ...this.#state, ...part }
    })
  }

  #tools(nowMs: number): RecordingTools {
    const count = (files: number, bytes: number): void => {
      const { fileCount, totalBytes } = this.#state
      this.#state = { ...this.#state, fileCount: fileCount + files, totalBytes: totalBytes + bytes }
    }
    return {
      store: this.#store,
      sequence: this.#sequence,
      options: this.#options,
      handedOutSeq: this.#handedOutSeq,
      count,
      fileCount: () => this.#state.fileCount,
      breaker: this.#breaker(nowMs),
    }
  }

  #breaker(nowMs: number): Breaker | null {
    const limit = this.#options.deletionLimit
    if (limit === null) return null
    const losses = this.#store.lossesSince(nowMs - limit.windowS * 1000)
    const isOpen = this.#store.heldAbove(this.#state.releasedSeq) !== null
    return new Breaker(limit, { losses, isOpen })
  }

  #transaction<T>(work: () => T): T {
    const before = this.#state
    try {
      return this.#store.durably(() => {
        const result = work()
        const { head, reserved } = this.#sequence
        this.#state = { ...this.#state, headSeq: head, reservedSeq: reserved }
        this.#store.putState(this.#state)
        return result
      })
    } catch (thrown) {
      // A commit that failed on its way may have been stored, so the numbers it used are not given out again.
      const reservedSeq = Math.max(before.reservedSeq, this.#sequence.reserved)
      this.#state = { ...before, reservedSeq }
      this.#sequence = new Sequence({ ...before, reservedSeq, isClean: false })
      throw thrown
    }
  }
}
