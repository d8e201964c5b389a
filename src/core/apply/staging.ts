import { type ByteString, fromText, toBytes } from '../base/byte-string.ts'
import { AppError } from '../base/errors.ts'
import { type RelPath, ROOT, STAGING_NAME, child } from '../path/rel-path.ts'
import type { Owner } from './metadata.ts'
import type { ApplyDependencies } from './options.ts'
import type { Hasher, TargetTree } from './target-tree.ts'

/** What holds the staging folders of all bindings of a root. */
export const STAGING = child(ROOT, STAGING_NAME)
const NOBODY: Owner = { uid: -1, gid: -1 }

/**
 * The folder on the target's own file system where new content of one binding is completed and displaced content waits.
 * It is made when something needs it and removed when the set ends; other bindings of the same root have their own. Names begin with `n` for what is new, `p` for what is new and
 * large, and outlives a set that was broken off (see `Partials`), and `d` for what was displaced: only the latter can be
 * the last copy of something, and finds a place again after a crash. What follows the `d` is the hash of the path it is
 * on its way to.
 */
export class Staging {
  readonly #tree: TargetTree
  readonly #folder: RelPath
  readonly #createHasher: () => Hasher
  readonly #keeper: StagingKeeper
  #isMade = false
  #owner: Owner = NOBODY
  #counter = 0

  constructor({ tree, staging, createHasher }: StagingDependencies, keeper: StagingKeeper) {
    this.#tree = tree
    this.#folder = staging
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
    return child(this.#folder, `n${this.#counter++}` as ByteString)
  }

  /** The path for content that is moved out of the way, on its way to another one. */
  displacedPath(to: RelPath): RelPath {
    this.make()
    return displacedPath(to, { staging: this.#folder, createHasher: this.#createHasher })
  }

  /** Removes everything, displaced content too, but what is kept for a later set. */
  clear(): void {
    this.#isMade = false
    clearStaging({ tree: this.#tree, staging: this.#folder }, (name) => this.#keeper.outlives(name))
  }

  /** Makes sure that the folder is there. */
  make(): void {
    if (this.#isMade) return
    this.#makeFolder(STAGING)
    this.#makeFolder(this.#folder)
    this.#owner = this.#tree.lstat(this.#folder) ?? NOBODY
    this.#isMade = true
  }

  #makeFolder(path: RelPath): void {
    const disk = this.#tree.lstat(path)
    if (disk !== null && disk.type !== 'directory') this.#tree.unlink(path)
    if (disk?.type !== 'directory') this.#tree.makeDirectory(path, 0o700)
  }
}

/** Says what of the staging folder is there for a later set. */
export interface StagingKeeper {
  readonly isEmpty: boolean
  outlives(name: ByteString): boolean
}

type StagingDependencies = Pick<ApplyDependencies, 'tree' | 'staging' | 'createHasher'>
type StagingPlace = Pick<ApplyDependencies, 'tree' | 'staging'>

/** The staging folder of a binding; `key` is a name that no other binding has. */
export function stagingFolder(key: ByteString): RelPath {
  return child(STAGING, key)
}

/** The path of a name in staging. */
export function stagedPath(
  { staging }: Pick<ApplyDependencies, 'staging'>,
  name: ByteString,
): RelPath {
  return child(staging, name)
}

/** Names of what lies in staging. */
export function stagedNames({ tree, staging }: StagingPlace): ByteString[] {
  return tree.list(staging) ?? []
}

/** Where content on its way to a path is staged. */
export function displacedPath(
  to: RelPath,
  { staging, createHasher }: Pick<ApplyDependencies, 'staging' | 'createHasher'>,
): RelPath {
  const hasher = createHasher()
  hasher.update(toBytes(to))
  return child(staging, fromText(`d${hasher.digest()}`))
}

/** What was displaced and not placed. */
export function displacedPaths(place: StagingPlace): RelPath[] {
  return stagedNames(place)
    .filter((name) => name.startsWith('d'))
    .map((name) => stagedPath(place, name))
}

/** Removes everything in the staging folder that is not kept, and the folder itself where nothing is. */
export function clearStaging(place: StagingPlace, isKept: (name: ByteString) => boolean): void {
  const { tree, staging } = place
  const names = stagedNames(place)
  for (const name of names) if (!isKept(name)) removeTree(tree, stagedPath(place, name))
  if (names.some(isKept)) return
  removeTree(tree, staging)
  // Others may have theirs in it.
  if (tree.lstat(STAGING)?.type === 'directory') tree.removeDirectory(STAGING)
}

function removeTree(tree: TargetTree, path: RelPath): void {
  const disk = tree.lstat(path)
  if (disk === null) return
  if (disk.type !== 'directory') return tree.unlink(path)
  for (const name of tree.list(path) ?? []) removeTree(tree, child(path, name))
  if (!tree.removeDirectory(path))
    throw new AppError('FOLDER_NOT_EMPTY', `cannot remove "${path}": something was added to it`)
}
