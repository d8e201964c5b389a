import type { RelPath } from '../core/path/rel-path.ts'

/** Two for a rename, and those that are worked in by turns: staging and the folder that is filled from it. */
const FOLDERS_MAX = 4
const USES_MAX = 64

/** An open folder, or the name of the error that says why there is none. */
export type Folder = number | string

interface FolderCalls {
  /** Resolves a folder beneath the root. */
  open(folder: RelPath): Folder
  close(descriptor: number): void
}

/**
 * Folders opened beneath a root, kept for the calls that follow at once: never beyond the turn in which they were
 * opened, nor for more than a few calls. Who moves such a folder away meanwhile, even out of the root, moves what these
 * calls put into it along: it is as if they had come just before the move, and nothing but this folder is reached.
 */
export class ConfinedFolders {
  readonly #calls: FolderCalls
  readonly #folders = new Map<RelPath, Folder>()
  #usesLeft = 0
  #depth = 0
  #isClearDue = false

  constructor(calls: FolderCalls) {
    this.#calls = calls
  }

  /** Runs a call with a folder, which stays open until the call has returned. Calls may be nested. */
  use<T>(path: RelPath, run: (folder: Folder) => T): T {
    if (this.#depth === 0 && this.#usesLeft <= 0) this.clear()
    this.#usesLeft--
    this.#depth++
    try {
      return run(this.#get(path))
    } finally {
      this.#depth--
    }
  }

  /** Something at this path was made, renamed or removed: whatever was known of it and below is looked up anew. */
  forget(path: RelPath): void {
    for (const folder of this.#folders.keys())
      if (folder === path || folder.startsWith(`${path}/`)) this.#drop(folder)
  }

  clear(): void {
    for (const folder of this.#folders.keys()) this.#drop(folder)
    this.#usesLeft = USES_MAX
  }

  #get(path: RelPath): Folder {
    const known = this.#folders.get(path)
    this.#folders.delete(path)
    const folder = known ?? this.#calls.open(path)
    this.#folders.set(path, folder)
    // The one used longest ago goes, never the one that a call around this one uses.
    const [oldest] = this.#folders.size > FOLDERS_MAX ? this.#folders.keys() : []
    if (oldest !== undefined) this.#drop(oldest)
    if (known === undefined) this.#clearAtTurnsEnd()
    return folder
  }

  #drop(path: RelPath): void {
    const folder = this.#folders.get(path)
    this.#folders.delete(path)
    if (typeof folder === 'number') this.#calls.close(folder)
  }

  #clearAtTurnsEnd(): void {
    if (this.#isClearDue) return
    this.#isClearDue = true
    queueMicrotask(() => {
      this.#isClearDue = false
      this.clear()
    })
  }
}
