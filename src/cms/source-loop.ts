import type { ByteString } from '../core/base/byte-string.ts'
import { AppError, type ErrorCode, toAppError } from '../core/base/errors.ts'
import { RootChanged } from '../core/change/known-root.ts'
import type { Observation } from '../core/change/observation.ts'
import { type RelPath, ROOT } from '../core/path/rel-path.ts'
import type { Logger } from '../platform/log.ts'
import type { WatchSignal, Watcher, WatcherFactory } from '../platform/watcher.ts'
import { Looks } from './looks.ts'
import { Recorder } from './recorder.ts'
import { ScanRun } from './scan-run.ts'
import { type SourceParts, nextTurn } from './source-parts.ts'

export interface LoopParts extends SourceParts {
  readonly path: ByteString
  readonly watchers: WatcherFactory
  readonly log: Logger
  /** Everything below the root is journalled for the first time; nothing else was recorded since. */
  readonly onListed: () => void
  /** Something is to be done. */
  readonly wake: () => void
  /** Gives a number from 0 below 1, which spreads what happens again and again. */
  readonly spread: () => number
  /** Makes the rows those of the wanted view; nothing to do is the rule. */
  readonly prepare: () => Promise<void>
}

type RootState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'up' }
  | {
      readonly kind: 'down'
      readonly error: AppError
      readonly sinceMs: number
      readonly retryAtMs: number
    }

/** These say that the root is not what it was; nothing else is to be believed then. */
const ROOT_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'ROOT_MISSING',
  'ROOT_CHANGED',
  'ROOT_REFUSED',
])

/** Scans for which nothing proves a need begin after so many times the length of the last one. */
const SCAN_PAUSES = 10

/** A scan that only verifies rests for so many times as long as it works, after each slice. */
const SCAN_REST = 3

/** A clock that was set back by more than this may give a new change an old time. */
const CLOCK_SET_BACK_MS = 1000

/**
 * What one source does, step by step: brings the root up, looks at what is due, scans what may have been missed. Steps
 * never overlap, so that what one of them saw is recorded before another sees more.
 */
export class SourceLoop {
  readonly #parts: LoopParts
  readonly #recorder: Recorder
  readonly #looks: Looks
  #root: RootState = { kind: 'starting' }
  #watcher: Watcher | null = null
  #watchError: AppError | null = null
  #fault: AppError | null = null
  #scan: ScanRun | null = null
  #nextScanMs = Number.POSITIVE_INFINITY
  #pauseUntilMs = 0
  #checkRootAtMs = 0
  #scanRestsUntilMs = 0
  #lastNowMs: number

  constructor(parts: LoopParts) {
    this.#parts = parts
    this.#recorder = new Recorder(parts)
    this.#looks = new Looks(parts, this.#recorder)
    this.#lastNowMs = parts.clock.nowMs()
    this.openGap(ROOT, 'what happened before the start is not known yet')
  }

  /** What stands in the way, the worst first. */
  get error(): AppError | null {
    return this.rootError ?? this.#watchError ?? this.#fault
  }

  /** Why nothing can be seen of the source at all. */
  get rootError(): AppError | null {
    return this.#root.kind === 'down' ? this.#root.error : null
  }

  /** Another folder that lies at the path of the root, and since when; null where none does. */
  get changedRoot(): { readonly error: RootChanged; readonly sinceMs: number } | null {
    if (this.#root.kind !== 'down' || !(this.#root.error instanceof RootChanged)) return null
    return { error: this.#root.error, sinceMs: this.#root.sinceMs }
  }

  /** Does one thing; false where nothing is due. Whatever goes wrong is kept for the report, and tried again. */
  async step(): Promise<boolean> {
    try {
      const didSomething = await this.#step(this.#parts.clock.nowMs())
      return didSomething
    } catch (thrown) {
      await this.#failed(toAppError(thrown))
      return false
    }
  }

  /** When the next step has something to do; null where only a signal brings something. */
  nextDueMs(): number | null {
    if (this.#root.kind === 'starting') return 0
    if (this.#root.kind === 'down') return this.#root.retryAtMs
    const { buffer, gaps } = this.#parts
    const scanMs = this.#scan === null ? this.#nextScanMs : this.#scanRestsUntilMs
    if (this.#scan !== null && this.#isScanUrgent()) return 0
    const times = [buffer.nextDueMs(), gaps.nextRescanMs(), scanMs, this.#checkRootAtMs]
    return Math.min(...times.map((atMs) => atMs ?? Number.POSITIVE_INFINITY))
  }

  /** Resolves true when the watcher has handed over everything that had happened; false where it cannot say. */
  async drainWatcher(): Promise<boolean> {
    return (await this.#watcher?.drain()) ?? false
  }

  openGap(path: RelPath, reason: string, notBeforeMs = 0): void {
    this.#parts.gaps.add({ path, sinceMs: this.#parts.clock.nowMs(), reason, notBeforeMs })
  }

  /** Files were not what their rows say: they are looked at, and their rows get newer seqs, before this returns. */
  resequence(paths: readonly RelPath[]): void {
    const { disk, journal, buffer } = this.#parts
    const seen = paths.map((path): Observation => {
      const state = disk.look(path)
      if (state === 'unreadable') throw new AppError('NO_PERMISSION', `cannot look at "${path}"`)
      return { path, state, cause: 'forced' }
    })
    if (seen.some(({ state }) => state === null)) disk.check(journal.state.root)
    for (const { path } of this.#recorder.record(seen)) buffer.addLook(path)
    // A folder in the place of a file is taken with everything in it.
    for (const { path, state } of seen) if (state?.type === 'directory') buffer.addLook(path)
    this.#parts.wake()
  }

  /** These are being written, whatever the watcher tells of them: they are looked at when they rest, or in a while. */
  lookLater(paths: readonly RelPath[]): void {
    const { buffer, clock } = this.#parts
    const hint = { kind: 'changed', cookie: null, isDirectory: null } as const
    for (const path of paths) buffer.add({ ...hint, path }, clock.nowMs())
    this.#parts.wake()
  }

  async close(): Promise<void> {
    await this.#unwatch()
    this.#parts.disk.close()
  }

  async #step(nowMs: number): Promise<boolean> {
    this.#noticeClock(nowMs)
    if (this.#root.kind !== 'up') return this.#bringUp(nowMs)
    this.#checkRoot(nowMs)
    const { buffer } = this.#parts
    const lost = buffer.takeOverflow()
    if (lost !== null) this.openGap(lost, 'more changed at once than the buffer holds')
    if (await this.#lookAtDue(nowMs)) return true
    return (await this.release()) || this.#continueScan(nowMs)
  }

  async #bringUp(nowMs: number): Promise<boolean> {
    if (this.#root.kind === 'down' && nowMs < this.#root.retryAtMs) return false
    const { disk, journal, prepare, onRecorded } = this.#parts
    await prepare()
    onRecorded()
    const found = disk.open(journal.state.root)
    if (journal.state.root === null) journal.adoptRoot(found)
    // Watched from before the scan, so that nothing falls between the two.
    await this.#watch()
    this.#root = { kind: 'up' }
    return true
  }

  /** Throws where the root is not the known one any more. */
  #checkRoot(nowMs: number): void {
    const { disk, journal, times } = this.#parts
    if (nowMs < this.#checkRootAtMs) return
    this.#checkRootAtMs = nowMs + times.rootCheckMs
    disk.check(journal.state.root)
  }

  async #lookAtDue(nowMs: number): Promise<boolean> {
    const { buffer, disk } = this.#parts
    if ((buffer.nextDueMs() ?? Number.POSITIVE_INFINITY) > nowMs) return false
    // What the watcher has handed over by now waits in messages: taken one by one, each would cost a transaction.
    await nextTurn()
    const { looks, probes } = buffer.takeDue(nowMs)
    for (const path of probes) {
      const state = disk.look(path)
      const isBeingWritten = () => disk.isBeingWritten(path)
      const probe = state === null || state === 'unreadable' ? null : { ...state, isBeingWritten }
      buffer.probed(path, probe, nowMs)
    }
    if (looks.length > 0) await this.#looks.process(looks)
    return looks.length > 0 || probes.length > 0
  }

  /** Lets a stretch of what a person released go; false where nothing is left of it. */
  async release(): Promise<boolean> {
    const { clock, journal, onRecorded } = this.#parts
    if (!journal.releaseSome(clock.nowMs())) return false
    onRecorded()
    await nextTurn()
    return true
  }

  async #continueScan(nowMs: number): Promise<boolean> {
    if (this.#scan === null) {
      const folder = nowMs >= this.#nextScanMs ? ROOT : this.#parts.gaps.due(nowMs)
      if (folder === null) return false
      if (this.#watcher === null) await this.#watch()
      this.#scan = new ScanRun(this.#parts, this.#recorder, folder)
    }
    if (nowMs < this.#scanRestsUntilMs && !this.#isScanUrgent()) return false
    const scan = this.#scan
    const startedMs = performance.now()
    const isDone = await scan.slice()
    this.#watcher?.found(scan.takeNewFolders())
    this.#scanRestsUntilMs =
      this.#parts.clock.nowMs() + Math.ceil(SCAN_REST * (performance.now() - startedMs))
    if (isDone) {
      this.#scan = null
      this.#scanned(scan.folder, scan.startedMs)
    } else {
      await nextTurn()
    }
    return true
  }

  /** Somebody waits for it, or something is known to be unknown: a verification has time. */
  #isScanUrgent(): boolean {
    const { gaps, isFlushing } = this.#parts
    return gaps.open.length > 0 || isFlushing()
  }

  #scanned(folder: RelPath, startedMs: number): void {
    const { clock, journal, gaps, times } = this.#parts
    const isFirst = journal.state.completeAtMs === null
    if (folder === ROOT || gaps.open.length === 0) journal.complete(startedMs)
    if (isFirst && journal.state.completeAtMs !== null) this.#parts.onListed()
    this.#fault = null
    const nowMs = clock.nowMs()
    if (folder === ROOT) {
      // Spread by a quarter either way, or all sources of all hosts that began together would scan together for ever.
      this.#nextScanMs = nowMs + times.rescanMs * (0.75 + this.#parts.spread() / 2)
      // A clock that was set forward meanwhile must not put the next scan off for ever.
      const pauseMs = SCAN_PAUSES * Math.max(0, nowMs - startedMs)
      this.#pauseUntilMs = nowMs + Math.min(pauseMs, times.rescanMs)
    }
    if (this.#watcher === null) {
      const notBeforeMs = Math.max(this.#pauseUntilMs, nowMs + times.unwatchedRescanMs)
      this.openGap(ROOT, 'the folder cannot be watched', notBeforeMs)
    }
  }

  /** Where watching fails, scans go on without it. */
  async #watch(): Promise<void> {
    await this.#unwatch()
    const { watchers, path, log } = this.#parts
    try {
      this.#watcher = await watchers.watch(path, (signal) => this.#take(signal))
      this.#watchError = null
    } catch (thrown) {
      const error = toAppError(thrown)
      if (ROOT_ERRORS.has(error.code)) throw error
      if (this.#watchError?.message !== error.message)
        log.warn('detection goes on by scans', { error })
      this.#watchError = error
    }
  }

  async #unwatch(): Promise<void> {
    const watcher = this.#watcher
    this.#watcher = null
    await watcher?.close()
  }

  #take(signal: WatchSignal): void {
    const { buffer, clock, log, wake } = this.#parts
    switch (signal.kind) {
      case 'hints': {
        const nowMs = clock.nowMs()
        for (const hint of signal.hints) buffer.add(hint, nowMs)
        break
      }
      case 'overflow': {
        const { path, reason, certainty } = signal
        this.openGap(path, reason, certainty === 'lost' ? 0 : this.#pauseUntilMs)
        if (certainty === 'lost') log.info('a watcher lost events', { path, reason })
        break
      }
      case 'failed':
        this.#watcher = null
        this.openGap(ROOT, 'the watcher failed')
        if (ROOT_ERRORS.has(signal.error.code)) this.#takeDown(signal.error, 0)
        else this.#watchError = signal.error
        break
    }
    wake()
  }

  /** What was not recorded is found by a scan, once the cause is gone. */
  async #failed(error: AppError): Promise<void> {
    const { clock, gaps, times, log } = this.#parts
    this.#scan = null
    gaps.abandonRescan()
    const retryAtMs = clock.nowMs() + times.retryMs
    const isKnown = this.error?.message === error.message
    if (!isKnown) log.error('detection failed and is tried again', { error })
    if (this.#root.kind === 'up' && !ROOT_ERRORS.has(error.code)) {
      this.#fault = error
      this.openGap(ROOT, error.message.slice(0, 200), retryAtMs)
    } else {
      this.openGap(ROOT, 'the root was not there')
      await this.#unwatch()
      this.#takeDown(error, retryAtMs)
    }
  }

  #takeDown(error: AppError, retryAtMs: number): void {
    this.#scan = null
    this.#parts.gaps.abandonRescan()
    const before =
      this.#root.kind === 'down' && this.#root.error.code === error.code ? this.#root : null
    const sinceMs = before?.sinceMs ?? this.#parts.clock.nowMs()
    this.#root = { kind: 'down', error, sinceMs, retryAtMs }
  }

  #noticeClock(nowMs: number): void {
    if (nowMs < this.#lastNowMs - CLOCK_SET_BACK_MS) {
      this.openGap(ROOT, 'the clock was set back')
      this.#parts.buffer.release()
      this.#pauseUntilMs = 0
      this.#checkRootAtMs = 0
      this.#scanRestsUntilMs = 0
      if (Number.isFinite(this.#nextScanMs)) this.#nextScanMs = nowMs + this.#parts.times.rescanMs
    }
    this.#lastNowMs = nowMs
  }
}
