import { type ByteString, toText } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'
import { type RelPath, ROOT, STAGING_NAME, child, isBelow } from '../core/path/rel-path.ts'
import type { InotifyKernel } from './inotify-kernel.ts'
import { watchLimit, watchLimitError } from './watch-limit.ts'

/** A root under watch: which watch number each of its folders has. */
export interface WatchedRoot {
  readonly id: number
  readonly path: ByteString
  readonly folders: Map<RelPath, number>
}

/** A folder that a watch number stands for. Two roots may hold the same folder, and the kernel gives it one number. */
export interface Owner {
  readonly root: WatchedRoot
  readonly path: RelPath
}

/** These say that a folder is gone, became something else, or may not be read, which a scan finds too. */
const SKIPPED: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'])

/**
 * Which folders are watched under which numbers. A folder that moves keeps its number, so it is first let go of, and
 * taken up again where it is found next; what is not found again is dropped by `dropUnowned`.
 */
export class InotifyRoots {
  readonly #kernel: InotifyKernel
  readonly #owners = new Map<number, Owner[]>()
  readonly #unowned = new Set<number>()

  constructor(kernel: InotifyKernel) {
    this.#kernel = kernel
  }

  owners(watch: number): readonly Owner[] {
    return this.#owners.get(watch) ?? []
  }

  get hasUnowned(): boolean {
    return this.#unowned.size > 0
  }

  /**
   * Counts the folders of a root before any of them is watched: throws WATCH_LIMIT where they, with those of the other
   * roots, are more than the kernel may ever give, so that nothing is taken from others in vain.
   */
  assertRoom(root: WatchedRoot, limit = watchLimit()): void {
    const watchesMax = limit?.watchesMax ?? Number.POSITIVE_INFINITY
    let count = this.#owners.size
    const pending = [ROOT]
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      count++
      pending.push(...this.#foldersIn(root, path))
    }
    if (count > watchesMax) throw watchLimitError(root.path, count, limit)
  }

  /** Watches a folder and every folder below it. Throws WATCH_LIMIT or WATCH_FAILED; what was added stays. */
  watchTree(root: WatchedRoot, folder: RelPath): void {
    let refusedCount = 0
    const pending = [folder]
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const absolute = absolutePath(root, path)
      const watch = this.#kernel.add(absolute)
      if (watch >= 0) {
        this.#own(watch, { root, path })
      } else {
        const errno = this.#kernel.errno()
        if (SKIPPED.has(errno) && path !== ROOT) continue
        if (errno !== 'ENOSPC') throw watchError(absolute, errno)
        refusedCount++
      }
      pending.push(...this.#foldersIn(root, path))
    }
    if (refusedCount > 0) throw watchLimitError(root.path, this.#owners.size + refusedCount)
  }

  /** Lets go of a folder and everything below it. */
  release(root: WatchedRoot, folder: RelPath): void {
    for (const [path, watch] of root.folders) {
      if (path === folder || isBelow(path, folder)) this.#disown(watch, { root, path })
    }
  }

  /** The kernel has ended a watch. */
  ended(watch: number): void {
    for (const owner of this.owners(watch)) {
      if (owner.root.folders.get(owner.path) === watch) owner.root.folders.delete(owner.path)
    }
    this.#owners.delete(watch)
    this.#unowned.delete(watch)
  }

  /** Ends the watches of folders that were let go of and not found again. */
  dropUnowned(): void {
    for (const watch of this.#unowned) this.#kernel.remove(watch)
    this.#unowned.clear()
  }

  #foldersIn(root: WatchedRoot, path: RelPath): RelPath[] {
    return this.#kernel
      .folders(absolutePath(root, path))
      .filter((name) => path !== ROOT || name !== STAGING_NAME)
      .map((name) => child(path, name))
  }

  #own(watch: number, owner: Owner): void {
    const { root, path } = owner
    const before = root.folders.get(path)
    if (before === watch) return
    if (before !== undefined) this.#disown(before, owner)
    root.folders.set(path, watch)
    this.#owners.set(watch, [...this.owners(watch), owner])
    this.#unowned.delete(watch)
  }

  #disown(watch: number, { root, path }: Owner): void {
    root.folders.delete(path)
    const left = this.owners(watch).filter((other) => other.root !== root || other.path !== path)
    if (left.length > 0) {
      this.#owners.set(watch, left)
    } else {
      this.#owners.delete(watch)
      this.#unowned.add(watch)
    }
  }
}

function absolutePath(root: WatchedRoot, path: RelPath): ByteString {
  if (path === ROOT) return root.path
  return (root.path === '/' ? `/${path}` : `${root.path}/${path}`) as ByteString
}

function watchError(path: ByteString, errno: string): AppError {
  const quoted = JSON.stringify(toText(path).text)
  if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') {
    return new AppError('ROOT_MISSING', `cannot watch ${quoted}: no such folder`)
  }
  return new AppError('WATCH_FAILED', `cannot watch ${quoted}: ${errno}`)
}
