import type { WatchedSource } from '../core/apply/outbound.ts'
import type { ByteString } from '../core/base/byte-string.ts'
import { orThrow } from '../core/base/or-throw.ts'
import { DetectBuffer } from '../core/change/detect-buffer.ts'
import { Gaps } from '../core/change/gaps.ts'
import type { JournalStore } from '../core/change/journal-store.ts'
import { Journal } from '../core/change/journal.ts'
import type { RootChanged } from '../core/change/known-root.ts'
import { openJournal, restartEpoch } from '../core/change/open-journal.ts'
import { RestlessFiles } from '../core/change/restless.ts'
import { type Filter, createFilter } from '../core/filter/filter.ts'
import { ROOT } from '../core/path/rel-path.ts'
import type {
  AgentMessageOf,
  MasterMessageOf,
  ReportedHold,
  SourceConfig,
} from '../core/wire/control.ts'
import { rootHold } from '../core/wire/root-hold.ts'
import { hostAccounts } from '../platform/accounts.ts'
import { iso } from '../platform/clock.ts'
import { compilePatterns } from '../platform/pattern.ts'
import type { CmsParts } from './cms-parts.ts'
import { DETECT_PATHS_MAX, RECORD_ROWS_MAX } from './detection-limits.ts'
import { createOutbound } from './outbound.ts'
import { Publisher } from './publisher.ts'
import { Reporter } from './reporter.ts'
import { SourceDisk } from './source-disk.ts'
import { sourceHold } from './source-hold.ts'
import { SourceLoop } from './source-loop.ts'
import { attributeKinds, changedParts, prepareView, viewText } from './view.ts'
import { Waker } from './waker.ts'

export type HoldDecision = MasterMessageOf<'resolveHold'>['decision']
export type HoldResolution = Pick<AgentMessageOf<'holdResolved'>, 'outcome' | 'position'>

/** A position in the journal of one source, as the master and the Sync Client know it. */
export interface SourcePosition {
  readonly sourceId: string
  readonly epoch: string
  readonly headSeq: number
}

/** Detection of one source, from its start to its stop. */
export class Source {
  readonly config: SourceConfig
  readonly outbound: WatchedSource
  readonly #journal: Journal
  readonly #gaps = new Gaps()
  readonly #buffer: DetectBuffer
  readonly #loop: SourceLoop
  readonly #publisher: Publisher
  readonly #reporter: Reporter
  readonly #waker: Waker
  readonly #flushes: PromiseWithResolvers<void>[] = []
  #listedSeq: number | null = null
  readonly #ended: Promise<void>
  #isStopping = false

  /** Throws PATTERN_UNSAFE where the filter cannot be used. */
  constructor(config: SourceConfig, store: JournalStore, cms: CmsParts) {
    const { clock, times } = cms
    const filter = filterOf(config)
    const { requireMount } = config
    const root = { path: config.path as ByteString, requireMount, kinds: attributeKinds(config) }
    const disk = new SourceDisk(root, cms.openTree)
    this.config = config
    this.#journal = startJournal(store, { config, cms, filter, disk })
    this.#waker = new Waker(clock)
    this.#buffer = new DetectBuffer({ ...times, pathsMax: DETECT_PATHS_MAX })
    this.#loop = new SourceLoop({
      ...cms,
      ...root,
      disk,
      filter,
      journal: this.#journal,
      buffer: this.#buffer,
      gaps: this.#gaps,
      spread: Math.random,
      isFlushing: () => this.#flushes.length > 0,
      wake: () => this.#waker.wake(),
      prepare: () => prepareView(this.#journal, config, { filter, nowMs: () => clock.nowMs() }),
      onRecorded: () => this.#publisher.publish(),
      onListed: () => this.#tellListed(),
      log: cms.log.child({ sourceId: config.sourceId, policyId: config.policyId }),
    })
    this.outbound = createOutbound({
      sourceId: config.sourceId,
      journal: () => this.#journal,
      tree: () => disk.tree,
      requireRoot: () => {
        if (this.#loop.rootError !== null) throw this.#loop.rootError
      },
      resequence: (paths) => this.#loop.resequence(paths),
      lookLater: (paths) => this.#loop.lookLater(paths),
      restless: new RestlessFiles(times.holdMaxMs),
      nowMs: () => clock.nowMs(),
      accounts: config.metadata.owner === 'name' ? accountsOfHost : null,
      keepsNames: config.metadata.hardLinks,
    })
    this.#reporter = new Reporter({
      report: () => this.#report(),
      send: cms.onReport,
      reportMs: times.reportMs,
      nowMs: () => clock.nowMs(),
    })
    // The master hears of the epoch before it hears of changes in it.
    this.#reporter.send()
    this.#publisher = this.#createPublisher(cms)
    this.#ended = this.#run()
  }

  /** The master says where it stands: after a connection was made, for instance. */
  restart(known: SourceConfig['known']): void {
    this.#reporter.send()
    this.#publisher.restart(known)
  }

  /** The master has recorded everything up to here. */
  recorded(position: { readonly epoch: string; readonly seq: number }): void {
    this.#publisher.recorded(position)
  }

  /** Another folder that lies at the path of this source; null where the known one does. */
  get changedRoot(): RootChanged | null {
    return this.#loop.changedRoot?.error ?? null
  }

  /** Where its journal stands. */
  get position(): HoldResolution['position'] {
    const { epoch, headSeq: seq } = this.#journal
    return { epoch, seq }
  }

  /**
   * Takes a person's word about what is held. Resolves when all that may leave has left the journal: a stop in the middle
   * of that changes nothing, it goes on with the next start.
   */
  async resolveHold(fingerprint: string, decision: HoldDecision): Promise<HoldResolution> {
    if (this.#journal.hold === null) return { outcome: 'unknown', position: null }
    if (!this.#journal.resolveHold(fingerprint, decision))
      return { outcome: 'changed', position: null }
    this.#reporter.send()
    while (!this.#isStopping && (await this.#loop.release()));
    return { outcome: 'done', position: this.position }
  }

  /**
   * Resolves when everything that was on the disk at the call is journalled, and gives the position. The watcher hands
   * over every event the kernel has queued, then all that is held is looked at, files in the making too; a watcher that
   * cannot say when it has handed over everything is replaced by a scan. Writes nothing below the root.
   * Throws why the root cannot be looked at.
   */
  async flush(): Promise<SourcePosition> {
    if (!(await this.#loop.drainWatcher())) this.#loop.openGap(ROOT, 'a flush asked for a scan')
    const flushed = Promise.withResolvers<void>()
    this.#flushes.push(flushed)
    this.#buffer.release()
    this.#waker.wake()
    await flushed.promise
    if (this.#loop.rootError !== null) throw this.#loop.rootError
    const { epoch, headSeq } = this.#journal
    return { sourceId: this.config.sourceId, epoch, headSeq }
  }

  /** Ends detection; the journal is left as after a clean stop. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#waker.wake()
    await this.#ended
    await this.#loop.close()
    this.#journal.close()
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const didSomething = await this.#loop.step()
      this.#reporter.update()
      if (didSomething) continue
      this.#publisher.publishRest()
      // Nothing is due: whatever there was when a flush began has been dealt with.
      this.#endFlushes()
      await this.#waker.sleepUntil(this.#nextDueMs())
      // A gap is told before it can close again.
      this.#reporter.update()
    }
    this.#endFlushes()
  }

  #nextDueMs(): number | null {
    const loopMs = this.#loop.nextDueMs()
    const reportMs = this.#reporter.nextDueMs()
    if (loopMs === null || reportMs === null) return loopMs ?? reportMs
    return Math.min(loopMs, reportMs)
  }

  #endFlushes(): void {
    for (const flushed of this.#flushes.splice(0)) flushed.resolve()
  }

  /** At once: a full list may end from now on, and what comes after it is not part of it. */
  #tellListed(): void {
    this.#listedSeq = this.#journal.headSeq
    this.#publisher.publish()
    this.#reporter.send()
  }

  #createPublisher({ onChanges, clock }: CmsParts): Publisher {
    const { policyId, sourceId, known } = this.config
    const journal = () => this.#journal
    const nowMs = () => clock.nowMs()
    return new Publisher({ policyId, sourceId, journal, onChanges, nowMs }, known)
  }

  /** While the root is another folder, nothing else is asked. */
  #hold(): ReportedHold | null {
    const changed = this.#loop.changedRoot
    if (changed !== null) return rootHold(changed.error, iso(changed.sinceMs))
    return sourceHold(this.config, this.#journal.hold)
  }

  #report(): AgentMessageOf<'sourceReport'> {
    const { policyId, sourceId } = this.config
    const { epoch, headSeq, state } = this.#journal
    const { viewRevision, fileCount, totalBytes, completeAtMs } = state
    const { error } = this.#loop
    const gaps = this.#gaps.open.map((gap) => {
      return { path: gap.path, since: iso(gap.sinceMs), reason: gap.reason }
    })
    return {
      type: 'sourceReport',
      policyId,
      sourceId,
      epoch,
      headSeq,
      viewRevision,
      fileCount,
      totalBytes,
      gaps,
      completeAt: completeAtMs === null ? null : iso(completeAtMs),
      ...(this.#listedSeq !== null && { listedSeq: this.#listedSeq }),
      error: error === null ? null : { code: error.code, message: error.message.slice(0, 2000) },
      hold: this.#hold(),
    }
  }
}

const accountsOfHost = hostAccounts()

interface SourceTools {
  readonly config: SourceConfig
  readonly cms: CmsParts
  readonly filter: Filter
}

function filterOf({ filter }: SourceConfig): Filter {
  return orThrow(createFilter(filter, compilePatterns))
}

/** Takes up the journal of a source. Where the source is another folder than before, it begins again with nothing. */
function startJournal(store: JournalStore, tools: SourceTools & { disk: SourceDisk }): Journal {
  const { config, cms, filter, disk } = tools
  const view = viewText(config)
  const newEpoch = cms.newId
  const found = store.state()
  if (found !== null && changedParts(found.view, view).has('path')) {
    restartEpoch(store, { newEpoch, keep: 'nothing' })
  }
  openJournal(store, { view, newEpoch, viewRevision: config.viewRevision, known: config.known })
  const deletionLimit = config.deletionLimit ?? null
  return new Journal(store, {
    filter,
    lookAt: disk.look,
    keepsNames: config.metadata.hardLinks,
    deletionLimit,
    removeMax: RECORD_ROWS_MAX,
  })
}
