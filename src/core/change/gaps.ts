import { type RelPath, ROOT, isBelow } from '../path/rel-path.ts'
import { commonFolder } from './common-folder.ts'

/** A stretch of the tree of which the journal may not know everything since some time. */
export interface Gap {
  readonly path: RelPath
  readonly sinceMs: number
  readonly reason: string
  /** Before this time a rescan would find no more than the last one did; 0 where it may start at once. */
  readonly notBeforeMs: number
}

/** Gaps kept apart at most; more are taken together to the folder that holds them all. */
const GAPS_MAX = 100

/**
 * The open gaps of one source. Only a finished rescan closes one, and only those that were open when it began: what is
 * lost while a rescan runs may lie where it has already been.
 */
export class Gaps {
  #gaps: readonly Gap[] = []
  #underRescan: ReadonlySet<Gap> = new Set()

  /** The open gaps, oldest first. */
  get open(): readonly Gap[] {
    return this.#gaps
  }

  /** Opens a gap, unless one that is rescanned as soon, and that no rescan is working on, covers it already. */
  add(gap: Gap): void {
    const covers = (held: Gap) =>
      isAtOrBelow(gap.path, held.path) &&
      held.notBeforeMs <= gap.notBeforeMs &&
      !this.#underRescan.has(held)
    if (this.#gaps.some(covers)) return
    this.#gaps = [...this.#gaps, gap]
    if (this.#gaps.length > GAPS_MAX) this.#takeTogether(gap.reason)
  }

  /** When the next rescan may start; null where no gap is open. */
  nextRescanMs(): number | null {
    if (this.#gaps.length === 0) return null
    return Math.min(...this.#gaps.map((gap) => gap.notBeforeMs))
  }

  /** The folder to rescan now: that of the oldest gap whose time has come. Null where there is none. */
  due(nowMs: number): RelPath | null {
    return this.#gaps.find((gap) => gap.notBeforeMs <= nowMs)?.path ?? null
  }

  /** A rescan of this folder begins. One at a time. */
  startRescan(folder: RelPath): void {
    this.#underRescan = new Set(this.#gaps.filter((gap) => isAtOrBelow(gap.path, folder)))
  }

  /**
   * The rescan went through everything: closes what it covered. `unreadable` stays open as gaps of its own, since the
   * time it already was one.
   */
  finishRescan(unreadable: readonly Gap[]): void {
    const before = new Map([...this.#underRescan].map((gap) => [gap.path, gap.sinceMs]))
    this.#gaps = this.#gaps.filter((gap) => !this.#underRescan.has(gap))
    this.#underRescan = new Set()
    for (const gap of unreadable) this.add({ ...gap, sinceMs: before.get(gap.path) ?? gap.sinceMs })
  }

  /** The rescan was broken off: everything stays open. */
  abandonRescan(): void {
    this.#underRescan = new Set()
  }

  #takeTogether(reason: string): void {
    const path = this.#gaps.map((gap) => gap.path).reduce(commonFolder, this.#gaps[0]?.path ?? ROOT)
    const sinceMs = Math.min(...this.#gaps.map((gap) => gap.sinceMs))
    this.#gaps = [{ path, sinceMs, reason, notBeforeMs: 0 }]
    this.#underRescan = new Set()
  }
}

function isAtOrBelow(path: RelPath, folder: RelPath): boolean {
  return path === folder || isBelow(path, folder)
}
