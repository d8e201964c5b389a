import type { ByteString } from '../core/base/byte-string.ts'
import type { AppError } from '../core/base/errors.ts'
import type { Hint } from '../core/change/hint.ts'
import type { RelPath } from '../core/path/rel-path.ts'

/**
 * What a watcher says. `overflow`: hints at or below this folder are missing (`lost`), or this watcher cannot exclude it
 * (`maybe`); it has to be scanned, at once or when there is time. `failed`: nothing more comes of this root.
 */
export type WatchSignal =
  | { readonly kind: 'hints'; readonly hints: readonly Hint[] }
  | {
      readonly kind: 'overflow'
      readonly path: RelPath
      readonly reason: string
      readonly certainty: 'lost' | 'maybe'
    }
  | { readonly kind: 'failed'; readonly error: AppError }

export type OnWatchSignal = (signal: WatchSignal) => void

/**
 * A folder under watch. From the moment it is ready, each change below it is told by a hint at its path, or an overflow
 * at or above it, or a failure — as far as the kernel tells the watcher. Hints may be late, doubled or about paths that
 * are gone.
 *
 * A hint `created` or `movedTo` of a folder stands for everything in it: it is given when the folder, and every folder
 * below it then, is watched, and whoever takes it must list the folder to find the rest. Memory-mapped writes are told
 * when the file is closed, writes on other hosts of a network file system never.
 */
export interface Watcher {
  /**
   * Resolves when every hint of what had happened before the call was given. False where this watcher cannot say so:
   * then only a scan can.
   */
  drain(): Promise<boolean>
  /**
   * A scan met these folders, of which no hint had told: they are watched from now on with everything in them, and a
   * hint tells of those that were not until now.
   */
  found(folders: readonly RelPath[]): void
  /** Ends the watch; no signal comes after it resolves. */
  close(): Promise<void>
}

export interface WatcherFactory {
  /**
   * Watches a folder, an absolute path, with everything below it; ready when it resolves. Throws WATCH_LIMIT (the
   * message names the kernel's setting, its value and the number needed), ROOT_MISSING, WATCH_FAILED.
   */
  watch(root: ByteString, onSignal: OnWatchSignal): Promise<Watcher>
  /** Ends all watches. */
  close(): Promise<void>
}

/** `kernel`: inotify, on Linux. `parcel`: @parcel/watcher, everywhere. `auto`: the one that loses least here. */
export type WatcherChoice = 'auto' | 'kernel' | 'parcel'
