import { DETECTION_TIMES } from '../../src/cms/detection-limits.ts'
import { createOutbound } from '../../src/cms/outbound.ts'
import { SourceDisk } from '../../src/cms/source-disk.ts'
import { SourceLoop } from '../../src/cms/source-loop.ts'
import type { OutboundSource } from '../../src/core/apply/outbound.ts'
import type { ReadTree } from '../../src/core/apply/target-tree.ts'
import { fromText } from '../../src/core/base/byte-string.ts'
import type { DeletionLimit } from '../../src/core/change/breaker.ts'
import { DetectBuffer } from '../../src/core/change/detect-buffer.ts'
import { type Position, isWithheld } from '../../src/core/change/entry.ts'
import { Gaps } from '../../src/core/change/gaps.ts'
import type { Hint } from '../../src/core/change/hint.ts'
import { Journal } from '../../src/core/change/journal.ts'
import { openJournal } from '../../src/core/change/open-journal.ts'
import { createFilter } from '../../src/core/filter/filter.ts'
import { type RelPath, ROOT } from '../../src/core/path/rel-path.ts'
import { createLogger } from '../../src/platform/log.ts'
import { compilePatterns } from '../../src/platform/pattern.ts'
import type { OnWatchSignal, WatcherFactory } from '../../src/platform/watcher.ts'
import { MemoryDisk } from '../fakes/memory-disk.ts'
import { MemoryJournalStore } from '../fakes/memory-journal-store.ts'
import { MemoryTree } from '../fakes/memory-tree.ts'
import type { SimClock } from './clock.ts'
import type { Dice } from './dice.ts'

const log = createLogger({ level: 'error', write: () => undefined })
const ROOT_PATH = fromText('/source')
const SETTLED_MS = 60_000
const STEPS_MAX = 10_000

/** The source's side: a disk, a watcher that may be late or lose hints, and the real detection and journal. */
export class SimSource {
  readonly disk: MemoryDisk
  readonly tree: MemoryTree
  readonly #clock: SimClock
  readonly #store = new MemoryJournalStore()
  readonly #filter
  #hints: Hint[] = []
  #onSignal: OnWatchSignal | null = null
  #epochs = 0
  #journal: Journal
  #loop: SourceLoop
  /** Null where anything may leave unasked. */
  readonly deletionLimit: DeletionLimit | null
  /** Happens whenever the sender opens a file. */
  onRead: () => void = () => undefined

  /** Whether names of one file are to be so on the targets. */
  readonly #keepsNames: boolean

  constructor(clock: SimClock, deletionLimit: DeletionLimit | null, keepsNames: boolean) {
    this.#clock = clock
    this.deletionLimit = deletionLimit
    this.#keepsNames = keepsNames
    this.disk = new MemoryDisk(() => clock.stampNs())
    this.tree = new MemoryTree(this.disk)
    const filter = createFilter({ include: [], exclude: [] }, compilePatterns)
    if (!filter.ok) throw new Error('an empty filter is a filter')
    this.#filter = filter.value
    const started = this.#start(null)
    this.#journal = started.journal
    this.#loop = started.loop
  }

  get journal(): Journal {
    return this.#journal
  }

  get outbound(): OutboundSource {
    const loop = this.#loop
    return createOutbound({
      sourceId: 'source-1',
      journal: () => this.#journal,
      tree: () => this.#readTree(),
      requireRoot: () => undefined,
      resequence: (paths) => loop.resequence(paths),
      accounts: null,
      keepsNames: this.#keepsNames,
    })
  }

  hint(hint: Hint): void {
    this.#hints.push(hint)
  }

  /** Hands some of the hints over, or loses them and says so. */
  deliver(dice: Dice): void {
    const count = dice.below(this.#hints.length + 1)
    const hints = this.#hints.splice(0, count)
    if (hints.length === 0) return
    if (dice.oneIn(10))
      this.#onSignal?.({
        kind: 'overflow',
        path: ROOT,
        reason: 'the queue was full',
        certainty: 'lost',
      })
    else this.#onSignal?.({ kind: 'hints', hints: dice.oneIn(5) ? [...hints, ...hints] : hints })
  }

  /** Does what is due now. */
  async detect(): Promise<void> {
    for (let steps = 0; await this.#loop.step(); steps++)
      if (steps > STEPS_MAX) throw new Error('detection does not come to an end')
  }

  /** Files that left unasked within the window. */
  get losses(): number {
    const { windowS = 0 } = this.deletionLimit ?? {}
    return this.#store.lossesSince(this.#clock.nowMs() - windowS * 1000)
  }

  /** What targets are to leave as they have it. */
  withheld(): ReadonlySet<RelPath> {
    const range = { after: 0, upTo: this.#journal.headSeq, limit: 100_000, liveOnly: false }
    const rows = this.#journal.changes(range)
    return new Set(rows.flatMap((row) => (isWithheld(row.operation) ? [row.path] : [])))
  }

  /** Lets time pass until nothing is due any more. */
  async settle(): Promise<void> {
    this.#onSignal?.({ kind: 'hints', hints: this.#hints.splice(0) })
    for (let rounds = 0; ; rounds++) {
      if (rounds > STEPS_MAX) throw new Error('detection does not come to rest')
      await this.detect()
      const dueMs = this.#loop.nextDueMs()
      if (dueMs === null || dueMs > this.#clock.nowMs() + SETTLED_MS) return
      this.#clock.advanceTo(dueMs)
      this.#clock.advance(1)
    }
  }

  /** The process ends, with or without the host; then it starts again. */
  crash(kind: 'killed' | 'powerCut', dice: Dice, known: Position | null): void {
    this.#hints = []
    this.#store.crash(kind)
    if (kind === 'powerCut') {
      const keptChanges = dice.below(this.disk.unsyncedChanges + 1)
      this.disk.cutPower({ keptChanges, losesContent: false })
    }
    const { journal, loop } = this.#start(known)
    this.#journal = journal
    this.#loop = loop
  }

  #start(known: Position | null): { journal: Journal; loop: SourceLoop } {
    const newEpoch = () => `epoch-${++this.#epochs}`
    openJournal(this.#store, { view: 'view', viewRevision: 1, known, newEpoch })
    const kinds = { xattrs: true, acls: true }
    const root = { path: ROOT_PATH, requireMount: false, kinds }
    const disk = new SourceDisk(root, () => this.tree)
    const filter = this.#filter
    const journal = new Journal(this.#store, {
      filter,
      lookAt: disk.look,
      deletionLimit: this.deletionLimit,
      keepsNames: this.#keepsNames,
      removeMax: 1000,
    })
    const loop = new SourceLoop({
      ...root,
      disk,
      journal,
      filter,
      log,
      buffer: new DetectBuffer({ ...DETECTION_TIMES, pathsMax: 40 }),
      gaps: new Gaps(),
      clock: this.#clock,
      // Its root is never lost, and looking at it would keep detection from coming to rest.
      times: { ...DETECTION_TIMES, rootCheckMs: 2 * SETTLED_MS },
      watchers: this.#watchers(),
      isFlushing: () => false,
      wake: () => undefined,
      prepare: async () => undefined,
      onRecorded: () => undefined,
      onListed: () => undefined,
    })
    return { journal, loop }
  }

  #watchers(): WatcherFactory {
    return {
      watch: async (_root, onSignal) => {
        this.#onSignal = onSignal
        return { drain: async () => true, found: () => undefined, close: async () => undefined }
      },
      close: async () => undefined,
    }
  }

  #readTree(): ReadTree {
    const { tree } = this
    return {
      lstat: (path) => tree.lstat(path),
      lstatClosely: (path, kinds) => tree.lstatClosely(path, kinds),
      list: (folder) => tree.list(folder),
      isBeingWritten: () => null,
      identity: () => tree.identity(),
      close: () => undefined,
      open: (path) => {
        this.onRead()
        const handle = tree.open(path)
        if (handle === null) return null
        return {
          ...handle,
          read: (buffer, position) => {
            const count = handle.read(buffer, position)
            this.onRead()
            return count
          },
        }
      },
    }
  }
}
