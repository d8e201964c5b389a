import { fromText, toBytes } from '../base/byte-string.ts'
import { AppError } from '../base/errors.ts'
import { type RelPath, ROOT, STAGING_NAME, child } from '../path/rel-path.ts'
import type { Hasher, TargetTree } from './target-tree.ts'

const STAGING = child(ROOT, STAGING_NAME)

/**
 * The folder on the target's own file system where new content is completed and displaced content waits. It is made
 * when something needs it and removed when the set ends. Names begin with `n` for what is new and `d` for what was
 * displaced: only the latter can be the last copy of something, and finds a place again after a crash. What follows the
 * `d` is the hash of the path it is on its way to.
 */
export class Staging {
  readonly #tree: TargetTree
  readonly #createHasher: () => Hasher
  #isMade = false
  #counter = 0

  constructor(tree: TargetTree, createHasher: () => Hasher) {
    this.#tree = tree
    this.#createHasher = createHasher
  }

  get isMade(): boolean {
    return this.#isMade
  }

  /** A free path for new content. */
  newPath(): RelPath {
    this.#make()
    return child(STAGING, fromText(`n${this.#counter++}`))
  }

  /** The path for content that is moved out of the way, on its way to another one. */
  displacedPath(to: RelPath): RelPath {
    this.#make()
    return displacedPath(to, this.#createHasher)
  }

  /** Removes everything, displaced content too. */
  clear(): void {
    this.#isMade = false
    clearStaging(this.#tree)
  }

  #make(): void {
    if (this.#isMade) return
    const disk = this.#tree.lstat(STAGING)
    if (disk !== null && disk.type !== 'directory') this.#tree.unlink(STAGING)
    if (disk?.type !== 'directory') this.#tree.makeDirectory(STAGING, 0o700)
    this.#isMade = true
  }
}

/** Where content on its way to a path is staged. */
export function displacedPath(to: RelPath, createHasher: () => Hasher): RelPath {
  const hasher = createHasher()
  hasher.update(toBytes(to))
  return child(STAGING, fromText(`d${hasher.digest()}`))
}

/** What was displaced and not placed. */
export function displacedPaths(tree: TargetTree): RelPath[] {
  const names = tree.list(STAGING) ?? []
  return names.filter((name) => name.startsWith('d')).map((name) => child(STAGING, name))
}

/** Removes the staging folder with everything in it. */
export function clearStaging(tree: TargetTree): void {
  removeTree(tree, STAGING)
}

function removeTree(tree: TargetTree, path: RelPath): void {
  const disk = tree.lstat(path)
  if (disk === null) return
  if (disk.type !== 'directory') return tree.unlink(path)
  for (const name of tree.list(path) ?? []) removeTree(tree, child(path, name))
  if (!tree.removeDirectory(path))
    throw new AppError('FOLDER_NOT_EMPTY', `cannot remove "${path}": something was added to it`)
}
