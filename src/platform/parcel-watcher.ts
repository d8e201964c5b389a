import { lstatSync } from 'node:fs'

import { type ByteString, fromText, toText } from '../core/base/byte-string.ts'
import { AppError, toAppError } from '../core/base/errors.ts'
import type { Hint } from '../core/change/hint.ts'
import { type RelPath, ROOT, isBelow, isStaging, parent } from '../core/path/rel-path.ts'
import { foldersBelow } from './folders-below.ts'
import { watchLimit, watchLimitError } from './watch-limit.ts'
import { watcherAddon } from './watcher-addon.ts'
import type { OnWatchSignal, Watcher, WatcherFactory } from './watcher.ts'

type Addon = ReturnType<typeof watcherAddon>
type Subscription = Awaited<ReturnType<Addon['subscribe']>>
type ParcelEvent = Parameters<Parameters<Addon['subscribe']>[1]>[1][number]

/** Folders subscribed on their own at most; then the root is subscribed anew. */
const SUBSCRIPTIONS_MAX = 256
/** In bursts above this @parcel/watcher was seen to lose events without a word. */
const BURST_EVENTS = 1000
/** A burst is over after this time without events; one that goes on is looked at as often as the other says. */
const BURST_QUIET_MS = 500
const BURST_MAX_MS = 10_000
/** How often a folder that appeared is tried, with a longer pause each time. */
const TRIES_MAX = 6
const RETRY_MS = 10
/** How often the whole root is given up for a scan while names exist that cannot be told. */
const BLIND_MS = 10_000
/** What stands in a name for bytes that are not UTF-8. */
const NOT_UTF8 = '\uFFFD'

/**
 * Watches by @parcel/watcher: everywhere, but it never decides alone. It does not look into folders that appear, keeps
 * the old path of folders that were renamed, and loses events in silence: when the kernel's queue is full, and those
 * that come while it hands others over. It takes the events of one path together, so that how many it tells says
 * little of how many there were: two files written in turns fill any queue. So each new folder is subscribed on its own
 * before it is told of, and whenever events came a scan is asked for, when they have come to rest.
 * Names that are not UTF-8 reach it damaged: for them too a scan is asked for, of the folder that holds them at once and
 * of the whole root again and again. A new mtime of a link that leads nowhere is found by the next scan only.
 */
export function createParcelWatchers(addon: () => Addon = watcherAddon): WatcherFactory {
  const open = new Set<ParcelWatch>()
  return {
    watch: async (root, onSignal) => {
      const watch = new ParcelWatch(root, onSignal, addon())
      open.add(watch)
      try {
        await watch.start()
      } catch (thrown) {
        await watch.close()
        open.delete(watch)
        throw thrown
      }
      return watch
    },
    close: async () => {
      for (const watch of open) await watch.close()
      open.clear()
    },
  }
}

class ParcelWatch implements Watcher {
  readonly #root: string
  readonly #onSignal: OnWatchSignal
  readonly #addon: Addon
  readonly #subscriptions = new Map<string, Promise<Subscription>>()
  readonly #timers = new Set<ReturnType<typeof setInterval>>()
  #burst: { count: number; sinceMs: number; timer: ReturnType<typeof setTimeout> } | null = null
  #renewal: 'done' | 'running' | 'runningAgain' = 'done'
  #isBlind = false
  #isClosed = false

  constructor(root: ByteString, onSignal: OnWatchSignal, addon: Addon) {
    const { text, exact } = toText(root)
    if (!exact) throw watchFailure(root, 'its path is not UTF-8')
    this.#root = text
    this.#onSignal = onSignal
    this.#addon = addon
  }

  /** A folder that is made while the tree is gone through may be left out of it, so those are subscribed as well. */
  async start(): Promise<void> {
    const before = new Set(foldersBelow(this.#root))
    const watchesMax = watchLimit()?.watchesMax ?? Number.POSITIVE_INFINITY
    if (before.size >= watchesMax) throw watchLimitError(fromText(this.#root), before.size + 1)
    await this.#subscribeNew(this.#root)
    for (const folder of foldersBelow(this.#root)) {
      if (!before.has(folder)) await this.#subscribeNew(folder)
    }
  }

  /** @parcel/watcher holds events back in its own thread and does not say how long. */
  drain(): Promise<boolean> {
    return Promise.resolve(false)
  }

  found(folders: readonly RelPath[]): void {
    for (const path of folders) {
      const folder = this.#absolute(path)
      if (path !== ROOT && folder !== null && !this.#subscriptions.has(folder))
        void this.#newFolder(folder, path)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#burst !== null) clearTimeout(this.#burst.timer)
    for (const timer of this.#timers) clearInterval(timer)
    await this.#unsubscribeAll()
  }

  async #subscribe(folder: string): Promise<void> {
    if (this.#isClosed || this.#subscriptions.has(folder)) return
    const onEvents = (error: Error | null, events: readonly ParcelEvent[]) => {
      if (error !== null) this.#fail(watchFailure(fromText(folder), error.message))
      else this.#take(events)
    }
    const subscribed = inTurn(() => this.#addon.subscribe(folder, onEvents))
    this.#subscriptions.set(folder, subscribed)
    try {
      await subscribed
    } catch (thrown) {
      this.#subscriptions.delete(folder)
      throw subscribeError(this.#root, thrown)
    }
  }

  #take(events: readonly ParcelEvent[]): void {
    if (this.#isClosed) return
    this.#countBurst(events.length)
    const hints: Hint[] = []
    for (const event of events) this.#event(event, hints)
    if (hints.length > 0) this.#onSignal({ kind: 'hints', hints })
  }

  #event(event: ParcelEvent, hints: Hint[]): void {
    const path = this.#relative(event.path)
    if (path === null) return
    if (event.path.includes(NOT_UTF8)) {
      this.#notUtf8(event.path)
    } else if (event.type === 'delete') {
      this.#removed(event.path, path, hints)
    } else if (!isFolder(event.path)) {
      const kind = event.type === 'create' ? 'created' : 'changed'
      hints.push({ path, kind, cookie: null, isDirectory: false })
    } else if (path === ROOT) {
      hints.push({ path, kind: 'changed', cookie: null, isDirectory: true })
    } else {
      // An update may be all that is left of a folder that was removed and another that took its place.
      void this.#newFolder(event.path, path)
    }
  }

  /** Tells of a folder when it is watched with everything in it. */
  async #newFolder(folder: string, path: RelPath): Promise<void> {
    if (this.#renewal !== 'done') {
      this.#renewal = 'runningAgain'
      return
    }
    try {
      // A folder of this name may have been watched before another took its place.
      await this.#unsubscribeBelow(path)
      if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX) return await this.#subscribeAnew()
      await this.#subscribeNew(folder)
    } catch (thrown) {
      if (isFolder(folder)) return this.#fail(subscribeError(this.#root, thrown))
    }
    if (this.#isClosed) return
    const hint = { path, kind: 'created', cookie: null, isDirectory: true } as const
    this.#onSignal({ kind: 'hints', hints: [hint] })
  }

  /** It fails where anything below the folder goes while it is gone through; that is no fault of the folder. */
  async #subscribeNew(folder: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#subscribe(folder)
      } catch (thrown) {
        const isLimit = toAppError(thrown).code === 'WATCH_LIMIT'
        if (isLimit || tries === TRIES_MAX || !isFolder(folder)) throw thrown
        await Bun.sleep(tries * RETRY_MS)
      }
    }
  }

  #removed(absolute: string, path: RelPath, hints: Hint[]): void {
    if (absolute === this.#root) {
      this.#fail(new AppError('ROOT_MISSING', `cannot go on watching "${this.#root}": it is gone`))
      return
    }
    hints.push({ path, kind: 'removed', cookie: null, isDirectory: null })
    void this.#unsubscribeBelow(path)
  }

  /** One at a time: folders that appear meanwhile have it done once more, all together. */
  async #subscribeAnew(): Promise<void> {
    this.#renewal = 'running'
    try {
      while (this.#renewal !== 'done' && !this.#isClosed) {
        this.#renewal = 'running'
        await this.#unsubscribeAll()
        await this.start()
        this.#overflow(ROOT, 'many folders were made', 'lost')
        if (this.#renewal === 'running') this.#renewal = 'done'
      }
    } finally {
      this.#renewal = 'done'
    }
  }

  async #unsubscribeAll(): Promise<void> {
    const subscriptions = [...this.#subscriptions.values()]
    this.#subscriptions.clear()
    for (const subscribed of subscriptions) await unsubscribe(subscribed)
  }

  async #unsubscribeBelow(folder: RelPath): Promise<void> {
    for (const [absolute, subscribed] of this.#subscriptions) {
      const path = this.#relative(absolute)
      if (path === null || path === ROOT || (path !== folder && !isBelow(path, folder))) continue
      this.#subscriptions.delete(absolute)
      await unsubscribe(subscribed)
    }
  }

  #notUtf8(absolute: string): void {
    const clean = absolute.slice(0, absolute.indexOf(NOT_UTF8))
    const path = this.#relative(clean)
    const reason = 'a name is not UTF-8, which this watcher cannot tell'
    this.#overflow(path === null ? ROOT : (parent(path) ?? ROOT), reason, 'lost')
    if (this.#isBlind) return
    this.#isBlind = true
    this.#timers.add(setInterval(() => this.#overflow(ROOT, reason, 'maybe'), BLIND_MS))
  }

  #countBurst(eventCount: number): void {
    const nowMs = performance.now()
    const { count, sinceMs, timer } = this.#burst ?? { count: 0, sinceMs: nowMs, timer: undefined }
    clearTimeout(timer)
    const restMs = Math.min(BURST_QUIET_MS, Math.max(0, sinceMs + BURST_MAX_MS - nowMs))
    const next = setTimeout(() => this.#endBurst(), restMs)
    this.#burst = { count: count + eventCount, sinceMs, timer: next }
  }

  #endBurst(): void {
    const isLarge = (this.#burst?.count ?? 0) >= BURST_EVENTS
    this.#burst = null
    if (isLarge) this.#overflow(ROOT, 'more events at once than this watcher tells', 'lost')
    else this.#overflow(ROOT, 'this watcher may not have told of every event', 'maybe')
  }

  #overflow(path: RelPath, reason: string, certainty: 'lost' | 'maybe'): void {
    if (!this.#isClosed) this.#onSignal({ kind: 'overflow', path, reason, certainty })
  }

  #fail(error: AppError): void {
    if (this.#isClosed) return
    void this.close()
    this.#onSignal({ kind: 'failed', error })
  }

  /** Null for a name that this watcher cannot say. */
  #absolute(path: RelPath): string | null {
    const { text, exact } = toText(path)
    if (!exact) return null
    return this.#root === '/' ? `/${text}` : `${this.#root}/${text}`
  }

  /** Null for what detection must not see. */
  #relative(absolute: string): RelPath | null {
    if (absolute === this.#root) return ROOT
    const prefix = this.#root === '/' ? '/' : `${this.#root}/`
    if (!absolute.startsWith(prefix)) return null
    const path = fromText(absolute.slice(prefix.length)) as ByteString as RelPath
    return isStaging(path) ? null : path
  }
}

let lastCall: Promise<unknown> = Promise.resolve()

/** The addon keeps its lists without locks: calls that overlap, of whatever folders, damage its memory. */
function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const result = lastCall.then(call)
  lastCall = result.catch(() => undefined)
  return result
}

/** Whatever becomes of it: a folder that is gone has no subscription to end. */
async function unsubscribe(subscribed: Promise<Subscription>): Promise<void> {
  try {
    const subscription = await subscribed
    await inTurn(() => subscription.unsubscribe())
  } catch {
    // Only the failure to subscribe matters, and whoever subscribed was told of it.
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function subscribeError(root: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  if (/no space left/i.test(reason)) {
    return watchLimitError(fromText(root), foldersBelow(root).length + 1)
  }
  if (!isFolder(root)) {
    return new AppError('ROOT_MISSING', `cannot watch "${root}": no such folder`, { cause: thrown })
  }
  return watchFailure(fromText(root), reason)
}

function watchFailure(root: ByteString, reason: string): AppError {
  const quoted = JSON.stringify(toText(root).text)
  return new AppError('WATCH_FAILED', `cannot watch ${quoted}: ${reason}`)
}
