import type { RelPath } from '../path/rel-path.ts'
import { commonFolder } from './common-folder.ts'
import type { FileState } from './entry.ts'
import type { Hint } from './hint.ts'

export interface DetectOptions {
  /** Size and mtime must stay the same for so long where nobody says that the writer has finished. */
  readonly restMs: number
  /** A file that does not come to rest, or is kept open by its writer, is looked at this often nevertheless. */
  readonly holdMaxMs: number
  /** A row read this soon after its ctime is read again after this time. */
  readonly racyMs: number
  /** Paths held at most; beyond that the buffer gives them up for a rescan of the folder that holds them all. */
  readonly pathsMax: number
}

/** A path to be looked at now. `deep`: where a folder is there, everything below it too. */
export interface Look {
  readonly path: RelPath
  readonly deep: boolean
  /** `again`: nothing was told of the path, its row is racy. */
  readonly cause: 'hint' | 'again'
}

/** What a probe of a file saw: enough to tell whether it rests. Null where nothing is there. */
export type Probe =
  | (Pick<FileState, 'type' | 'size' | 'mtimeNs' | 'linkCount'> & {
      /** Whether somebody has it open for writing; asked only of a file whose size and mtime rest. */
      readonly isBeingWritten?: () => boolean
    })
  | null

interface Held {
  readonly sinceMs: number
  readonly seen: Probe
}

interface Resting extends Held {
  readonly dueMs: number
}

/**
 * The File Detect Buffer: takes hints, says which paths to look at and when. A file that was closed after writing, a
 * rename, a removal, a change of metadata go at once; a file in the making is held until it rests, so that it is not
 * read half-written, but never longer than `holdMaxMs`. Milliseconds are of any clock that does not jump.
 *
 * A path is in at most one of `ready` (look now), `fresh` (probe now) and `resting`. `resting` and `again` are in order
 * of their due times, because each has one constant delay.
 */
export class DetectBuffer {
  readonly #options: DetectOptions
  readonly #ready = new Map<RelPath, Look>()
  readonly #fresh = new Map<RelPath, Held>()
  readonly #resting = new Map<RelPath, Resting>()
  readonly #again = new Map<RelPath, number>()
  #overflow: RelPath | null = null

  constructor(options: DetectOptions) {
    this.#options = options
  }

  /** Paths held. */
  get size(): number {
    return this.#ready.size + this.#fresh.size + this.#resting.size + this.#again.size
  }

  /** Takes a hint; what a watcher gives of a path it never told of before is as good as any. */
  add(hint: Hint, nowMs: number): void {
    this.#makeRoom(hint.path)
    switch (hint.kind) {
      case 'created':
        if (hint.isDirectory === true) this.#makeReady(hint.path, true)
        else this.#probeSoon(hint.path, nowMs)
        return
      case 'movedTo':
        this.#makeReady(hint.path, hint.isDirectory !== false)
        return
      case 'changed':
        if (hint.isDirectory === true) this.#makeReady(hint.path, false)
        else this.#changed(hint.path, nowMs)
        return
      case 'attributes':
        // A file in the making is not looked at early because its writer also set its mode.
        if (!this.#isHeld(hint.path)) this.#makeReady(hint.path, false)
        return
      case 'closed':
      case 'movedFrom':
      case 'removed':
        this.#makeReady(hint.path, false)
        return
    }
  }

  /** Has a path looked at now, whatever was told of it. */
  addLook(path: RelPath): void {
    this.#makeRoom(path)
    this.#makeReady(path, false)
  }

  /** Has a path looked at once more when its row can no longer be racy. */
  addRacy(path: RelPath, nowMs: number): void {
    this.#makeRoom(path)
    if (!this.#again.has(path)) this.#again.set(path, nowMs + this.#options.racyMs)
  }

  /**
   * Gives what is due: `looks` are taken out, to be looked at and recorded; each of `probes` is to be looked at and
   * handed to `probed`.
   */
  takeDue(nowMs: number): { readonly looks: readonly Look[]; readonly probes: readonly RelPath[] } {
    for (const [path, dueMs] of this.#again) {
      if (dueMs > nowMs) break
      this.#again.delete(path)
      if (!this.#isHeld(path)) this.#lookAgain(path)
    }
    const probes = [...this.#fresh.keys()]
    for (const [path, resting] of this.#resting) {
      if (resting.dueMs > nowMs) break
      probes.push(path)
    }
    const looks = [...this.#ready.values()]
    this.#ready.clear()
    return { looks, probes }
  }

  /** Takes what a probe saw: the path becomes ready, or goes on resting. */
  probed(path: RelPath, probe: Probe, nowMs: number): void {
    const held = this.#fresh.get(path) ?? this.#resting.get(path)
    if (held === undefined) return
    if (this.#mustWait(held, { probe, nowMs })) {
      this.#fresh.delete(path)
      this.#resting.delete(path)
      const dueMs = nowMs + this.#options.restMs
      this.#resting.set(path, { sinceMs: held.sinceMs, seen: probe, dueMs })
    } else {
      this.#makeReady(path, true)
    }
  }

  /** When `takeDue` has something to give, in the same milliseconds; null where nothing is held. */
  nextDueMs(): number | null {
    if (this.#ready.size > 0 || this.#fresh.size > 0) return Number.NEGATIVE_INFINITY
    const [resting] = this.#resting.values()
    const [again] = this.#again.values()
    if (resting === undefined) return again ?? null
    return Math.min(resting.dueMs, again ?? resting.dueMs)
  }

  /** Makes everything that is held ready, files in the making too: for a flush. */
  release(): void {
    for (const path of this.#fresh.keys()) this.#makeReady(path, true)
    for (const path of this.#resting.keys()) this.#makeReady(path, true)
    for (const path of this.#again.keys()) this.#lookAgain(path)
    this.#again.clear()
  }

  /** Gives the folder whose paths were given up since the last call, to be rescanned; null where none were. */
  takeOverflow(): RelPath | null {
    const folder = this.#overflow
    this.#overflow = null
    return folder
  }

  #isHeld(path: RelPath): boolean {
    return this.#fresh.has(path) || this.#resting.has(path)
  }

  #probeSoon(path: RelPath, nowMs: number): void {
    if (this.#ready.has(path) || this.#isHeld(path)) return
    this.#fresh.set(path, { sinceMs: nowMs, seen: null })
  }

  #changed(path: RelPath, nowMs: number): void {
    const held = this.#resting.get(path)
    if (held === undefined) {
      this.#probeSoon(path, nowMs)
    } else if (nowMs - held.sinceMs >= this.#options.holdMaxMs) {
      this.#makeReady(path, false)
    } else {
      this.#resting.delete(path)
      this.#resting.set(path, { ...held, dueMs: nowMs + this.#options.restMs })
    }
  }

  /** A link is complete when it appears; a file whose size and mtime are as before rests, unless it is open for writing. */
  #mustWait(held: Held, now: { probe: Probe; nowMs: number }): boolean {
    if (now.probe === null || now.probe.type !== 'file' || now.probe.linkCount !== 1) return false
    if (now.nowMs - held.sinceMs >= this.#options.holdMaxMs) return false
    return !isSame(now.probe, held.seen) || (now.probe.isBeingWritten?.() ?? false)
  }

  #makeReady(path: RelPath, deep: boolean): void {
    this.#fresh.delete(path)
    this.#resting.delete(path)
    const isDeep = deep || (this.#ready.get(path)?.deep ?? false)
    this.#ready.set(path, { path, deep: isDeep, cause: 'hint' })
  }

  #lookAgain(path: RelPath): void {
    if (!this.#ready.has(path)) this.#ready.set(path, { path, deep: false, cause: 'again' })
  }

  #makeRoom(path: RelPath): void {
    if (this.size < this.#options.pathsMax) return
    let folder = this.#overflow ?? path
    for (const held of [this.#ready, this.#fresh, this.#resting, this.#again]) {
      for (const one of held.keys()) folder = commonFolder(folder, one)
      held.clear()
    }
    this.#overflow = commonFolder(folder, path)
  }
}

function isSame(probe: Probe, seen: Probe): boolean {
  if (probe === null || seen === null) return false
  return probe.size === seen.size && probe.mtimeNs === seen.mtimeNs
}
