import { DETECTION_TIMES } from '../../src/cms/detection-limits.ts'
import { createOutbound } from '../../src/cms/outbound.ts'
import { SourceDisk } from '../../src/cms/source-disk.ts'
import { SourceLoop } from '../../src/cms/source-loop.ts'
import { attributeKinds, prepareView } from '../../src/cms/view.ts'
import type { OutboundSource } from '../../src/core/apply/outbound.ts'
import { AppError } from '../../src/core/base/errors.ts'
import type { DeletionLimit } from '../../src/core/change/breaker.ts'
import { DetectBuffer } from '../../src/core/change/detect-buffer.ts'
import { type EntryOperation, type Position, isWithheld } from '../../src/core/change/entry.ts'
import { Gaps } from '../../src/core/change/gaps.ts'
import type { Hint } from '../../src/core/change/hint.ts'
import { Journal } from '../../src/core/change/journal.ts'
import { openJournal } from '../../src/core/change/open-journal.ts'
import { RestlessFiles } from '../../src/core/change/restless.ts'
import { type RelPath, ROOT } from '../../src/core/path/rel-path.ts'
import { createLogger } from '../../src/platform/log.ts'
import type { OnWatchSignal, WatcherFactory } from '../../src/platform/watcher.ts'
import { MemoryDisk } from '../fakes/memory-disk.ts'
import { MemoryJournalStore } from '../fakes/memory-journal-store.ts'
import { MemoryTree } from '../fakes/memory-tree.ts'
import type { SimClock } from './clock.ts'
import type { Dice } from './dice.ts'
import { History } from './history.ts'
import { SOURCE_PATH, type Scenario, type View } from './scenario.ts'
import { type Loss, SimRoot } from './sim-root.ts'
import { type Looking, openSourceTree } from './source-tree.ts'

const log = createLogger({ level: 'error', write: () => undefined })
const SETTLED_MS = 60_000
const STEPS_MAX = 10_000

interface Started {
  readonly journal: Journal
  readonly loop: SourceLoop
  readonly disk: SourceDisk
}

export interface SimSourceOptions {
  /** Its place in the policy. */
  readonly order: number
  readonly clock: SimClock
  /** Null where anything may leave unasked. */
  readonly deletionLimit: DeletionLimit | null
  readonly views: Scenario['views']
  readonly isMountPoint: boolean
}

/** A source's side: a disk, a watcher that may be late or lose hints, and the real detection and journal. */
export class SimSource {
  readonly name: string
  readonly order: number
  readonly disk: MemoryDisk
  readonly tree: MemoryTree
  readonly root: SimRoot
  readonly history = new History()
  readonly deletionLimit: DeletionLimit | null
  readonly #clock: SimClock
  readonly #views: readonly View[]
  readonly #store = new MemoryJournalStore()
  // A root that is looked at again and again would keep detection from coming to rest.
  readonly #times = { ...DETECTION_TIMES, rootCheckMs: 100 }
  #wanted: View
  #hints: Hint[] = []
  #onSignal: OnWatchSignal | null = null
  #epochs = 0
  #started: Started
  /** Happens whenever detection or the sender looks at something. */
  onLook: (at: Looking) => void = () => undefined

  constructor({ order, clock, deletionLimit, views, isMountPoint }: SimSourceOptions) {
    this.order = order
    this.name = `source-${order + 1}`
    this.deletionLimit = deletionLimit
    this.disk = new MemoryDisk(() => clock.stampNs())
    this.tree = new MemoryTree(this.disk)
    this.root = new SimRoot(clock, this.tree, isMountPoint)
    this.#clock = clock
    this.#views = views
    this.#wanted = views[0]
    this.#started = this.#start(null)
  }

  get journal(): Journal {
    return this.#started.journal
  }

  /** What the rows of its journal are of. */
  get view(): View {
    const { viewRevision } = this.journal.state
    return this.#views.find(({ config }) => config.viewRevision === viewRevision) ?? this.#wanted
  }

  /** Tells whether it can see its root, as far as it knows. */
  get isRootSeen(): boolean {
    return this.#started.loop.rootError === null
  }

  get outbound(): OutboundSource {
    const { loop, disk } = this.#started
    return createOutbound({
      sourceId: this.name,
      journal: () => this.journal,
      tree: () => disk.tree,
      requireRoot: () => {
        if (loop.rootError !== null) throw loop.rootError
      },
      resequence: (paths) => loop.resequence(paths),
      lookLater: (paths) => loop.lookLater(paths),
      // What is sent while it changes was never a version.
      restless: new RestlessFiles(Number.POSITIVE_INFINITY),
      nowMs: () => this.#clock.nowMs(),
      accounts: null,
      keepsNames: this.#wanted.config.metadata.hardLinks,
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
    for (let steps = 0; await this.#started.loop.step(); steps++)
      if (steps > STEPS_MAX) throw new Error('detection does not come to an end')
  }

  /** Files that left unasked within the window. */
  get losses(): number {
    const { windowS = 0 } = this.deletionLimit ?? {}
    return this.#store.lossesSince(this.#clock.nowMs() - windowS * 1000)
  }

  /** How the journal has each path, whether it is there or not. */
  operations(): ReadonlyMap<RelPath, EntryOperation> {
    const range = { after: 0, upTo: this.journal.headSeq, limit: 100_000, liveOnly: false }
    return new Map(this.journal.changes(range).map(({ path, operation }) => [path, operation]))
  }

  /** What targets are to leave as they have it. */
  withheld(): ReadonlySet<RelPath> {
    const held = [...this.operations()].filter(([, operation]) => isWithheld(operation))
    return new Set(held.map(([path]) => path))
  }

  /** Lets time pass until nothing is due any more. */
  async settle(): Promise<void> {
    this.#times.rootCheckMs = 2 * SETTLED_MS
    this.#onSignal?.({ kind: 'hints', hints: this.#hints.splice(0) })
    for (let rounds = 0; ; rounds++) {
      if (rounds > STEPS_MAX) throw new Error('detection does not come to rest')
      await this.detect()
      const dueMs = this.#started.loop.nextDueMs()
      if (dueMs === null || dueMs > this.#clock.nowMs() + SETTLED_MS) return
      this.#clock.advanceTo(dueMs)
      this.#clock.advance(1)
    }
  }

  /** Takes what the policy is about from now on, as an agent does: detection ends and begins anew. */
  async configure(view: View, known: Position | null): Promise<void> {
    await this.#started.loop.close()
    this.journal.close()
    this.#wanted = view
    this.#hints = []
    this.#started = this.#start(known)
  }

  /** Something becomes of the root; the watcher may tell. */
  lose(loss: Loss, dice: Dice): void {
    this.root.lose(loss)
    if (!dice.oneIn(3)) return
    const code = loss === 'missing' ? 'ROOT_MISSING' : 'ROOT_CHANGED'
    const error = new AppError(code, 'cannot watch the root any more')
    this.#onSignal?.({ kind: 'failed', error })
    this.#onSignal = null
  }

  /** The process ends, with or without the host; then it starts again. */
  crash(kind: 'killed' | 'powerCut', dice: Dice, known: Position | null): void {
    this.#hints = []
    this.#onSignal = null
    this.#store.crash(kind)
    if (kind === 'powerCut') {
      const keptChanges = dice.below(this.disk.unsyncedChanges + 1)
      this.disk.cutPower({ keptChanges, losesContent: false })
    }
    this.#started = this.#start(known)
  }

  #start(known: Position | null): Started {
    const { filter, config, text } = this.#wanted
    const newEpoch = () => `${this.name}-epoch-${++this.#epochs}`
    openJournal(this.#store, { view: text, viewRevision: config.viewRevision, known, newEpoch })
    const root = { path: SOURCE_PATH, requireMount: false, kinds: attributeKinds(config) }
    const disk = new SourceDisk(root, () => openSourceTree(this.root, (at) => this.onLook(at)))
    const journal = new Journal(this.#store, {
      filter,
      lookAt: disk.look,
      deletionLimit: this.deletionLimit,
      keepsNames: config.metadata.hardLinks,
      removeMax: 1000,
    })
    const clock = this.#clock
    const loop = new SourceLoop({
      ...root,
      disk,
      journal,
      filter,
      log,
      buffer: new DetectBuffer({ ...DETECTION_TIMES, pathsMax: 40 }),
      gaps: new Gaps(),
      clock,
      times: this.#times,
      watchers: this.#watchers(),
      isFlushing: () => false,
      spread: () => 0.5,
      wake: () => undefined,
      prepare: () => prepareView(journal, config, { filter, nowMs: () => clock.nowMs() }),
      onRecorded: () => undefined,
      onListed: () => undefined,
    })
    return { journal, loop, disk }
  }

  #watchers(): WatcherFactory {
    return {
      watch: async (_root, onSignal) => {
        this.#onSignal = onSignal
        const close = async () => {
          if (this.#onSignal === onSignal) this.#onSignal = null
        }
        return { drain: async () => true, found: () => undefined, close }
      },
      close: async () => undefined,
    }
  }
}
