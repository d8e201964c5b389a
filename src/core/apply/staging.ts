import { type ByteString, fromText, toBytes } from '../base/byte-string.ts'
import { AppError } from '../base/errors.ts'
import { type RelPath, ROOT, STAGING_NAME, child } from '../path/rel-path.ts'
import type { Owner } from './metadata.ts'
import type { Hasher, TargetTree } from './target-tree.ts'

const STAGING = child(ROOT, STAGING_NAME)
const NOBODY: Owner = { uid: -1, gid: -1 }

/**
 * The folder on the target's own file system where new content is completed and displaced content waits. It is made
 * when something needs it and removed when the set ends. Names begin with `n` for what is new, `p` for what is new and
 * large, and outlives a set that was broken off (see `Partials`), and `d` for what was displaced: only the latter can be
 * the last copy of something, and finds a place again after a crash. What follows the `d` is the hash of the path it is
 * on its way to.
 */
export class Staging {
  readonly #tree: TargetTree
  readonly #createHasher: () => Hasher
  readonly #keeper: StagingKeeper
  #isMade = false
  #owner: Owner = NOBODY
  #counter = 0

  constructor(tree: TargetTree, createHasher: () => Hasher, keeper: StagingKeeper) {
    this.#tree = tree
    this.#createHasher = createHasher
    this.#keeper = keeper
  }

  /** True where something is to be cleared at the end of the set. */
  get isMade(): boolean {
    return this.#isMade || !this.#keeper.isEmpty
  }

  /** Whose new files are here: what is made in a folder belongs to whom the folder does, if we made that as well. */
  get owner(): Owner {
    this.make()
    return this.#owner
  }

  /** A free path for new content. */
  newPath(): RelPath {
    this.make()
    return child(STAGING, `n${this.#counter++}` as ByteString)
  }

  /** The path for content that is moved out of the way, on its way to another one. */
  displacedPath(to: RelPath): RelPath {
    this.make()
    return displacedPath(to, this.#createHasher)
  }

  /** Removes everything, displaced content too, but what is kept for a later set. */
  clear(): void {
    this.#isMade = false
    clearStaging(this.#tree, (name) => this.#keeper.outlives(name))
  }

  /** Makes sure that the folder is there. */
  make(): void {
    if (this.#isMade) return
    const disk = this.#tree.lstat(STAGING)
    if (disk !== null && disk.type !== 'directory') this.#tree.unlink(STAGING)
    if (disk?.type !== 'directory') this.#tree.makeDirectory(STAGING, 0o700)
    this.#owner = this.#tree.lstat(STAGING) ?? NOBODY
    this.#isMade = true
  }
}

/** Says what of the staging folder is there for a later set. */
export interface StagingKeeper {
  readonly isEmpty: boolean
  outlives(name: ByteString): boolean
}

/** The path of a name in staging. */
export function stagedPath(name: ByteString): RelPath {
  return child(STAGING, name)
}

/** Names of what lies in staging. */
export function stagedNames(tree: TargetTree): ByteString[] {
  return tree.list(STAGING) ?? []
}

/** Where content on its way to a path is staged. */
export function displacedPath(to: RelPath, createHasher: () => Hasher): RelPath {
  const hasher = createHasher()
  hasher.update(toBytes(to))
  return child(STAGING, fromText(`d${hasher.digest()}`))
}

/** What was displaced and not placed. */
export function displacedPaths(tree: TargetTree): RelPath[] {
  return stagedNames(tree)
    .filter((name) => name.startsWith('d'))
    .map(stagedPath)
}

/** Removes everything in the staging folder that is not kept, and the folder itself where nothing is. */
export function clearStaging(tree: TargetTree, isKept: (name: ByteString) => boolean): void {
  const names = stagedNames(tree)
  const kept = names.filter(isKept)
  if (kept.length === 0) return removeTree(tree, STAGING)
  for (const name of names) if (!kept.includes(name)) removeTree(tree, stagedPath(name))
}

function removeTree(tree: TargetTree, path: RelPath): void {
  const disk = tree.lstat(path)
  if (disk === null) return
  if (disk.type !== 'directory') return tree.unlink(path)
  for (const name of tree.list(path) ?? []) removeTree(tree, child(path, name))
  if (!tree.removeDirectory(path))
    throw new AppError('FOLDER_NOT_EMPTY', `cannot remove "${path}": something was added to it`)
}
