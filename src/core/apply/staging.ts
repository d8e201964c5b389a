import { fromText } from '../base/byte-string.ts'
import { AppError } from '../base/errors.ts'
import { type RelPath, ROOT, STAGING_NAME, child, parent } from '../path/rel-path.ts'
import type { IndexRow, IndexStore } from './index-store.ts'
import type { MetadataWriter } from './metadata.ts'
import type { TargetTree } from './target-tree.ts'

const PAGE = 1000

/**
 * The folder on the target's own file system where new content is completed and displaced content waits. It is made
 * when something needs it and removed when the set ends. Names begin with `n` for what is new and `d` for what was
 * displaced: only the latter can be the last copy of something, and is put back after a crash.
 */
export class Staging {
  readonly folder: RelPath = child(ROOT, STAGING_NAME)
  readonly #tree: TargetTree
  #isMade = false
  #counter = 0

  constructor(tree: TargetTree) {
    this.#tree = tree
  }

  /** A free path for new content. */
  newPath(): RelPath {
    return this.#next('n')
  }

  /** A free path for content that is moved out of the way. */
  displacedPath(): RelPath {
    return this.#next('d')
  }

  /** Removes everything; gives whether there was anything to remove. Displaced content goes too. */
  clear(): boolean {
    this.#isMade = false
    return removeTree(this.#tree, this.folder)
  }

  #next(kind: 'n' | 'd'): RelPath {
    this.#make()
    return child(this.folder, fromText(`${kind}${this.#counter++}`))
  }

  #make(): void {
    if (this.#isMade) return
    const disk = this.#tree.lstat(this.folder)
    if (disk !== null && disk.type !== 'directory') this.#tree.unlink(this.folder)
    if (disk?.type !== 'directory') this.#tree.makeDirectory(this.folder, 0o700)
    this.#isMade = true
  }
}

/** Ends whatever a set left behind, after a crash or when it is dropped; safe at any time. */
export function endStaging(
  { tree, index }: { tree: TargetTree; index: IndexStore },
  metadata: MetadataWriter,
): void {
  const restored = recoverStaging(tree, index)
  removeTree(tree, child(ROOT, STAGING_NAME))
  for (const folder of new Set([...restored.map((path) => parent(path) ?? ROOT), ROOT])) {
    const row = index.get(folder)
    const disk = row === null ? null : tree.lstat(folder)
    if (row !== null && disk?.type === 'directory') metadata.apply(folder, row.state, disk)
  }
}

/**
 * Ends what a crash left in the staging folder: displaced content goes back to the place that the index knows for it,
 * if that place is free; everything else was new and is sent again. Gives the paths that were put back.
 */
function recoverStaging(tree: TargetTree, index: IndexStore): RelPath[] {
  const staging = child(ROOT, STAGING_NAME)
  const displaced = new Map<bigint, RelPath[]>()
  for (const name of tree.list(staging) ?? []) {
    const path = child(staging, name)
    const disk = name.startsWith('d') ? tree.lstat(path) : null
    if (disk !== null) displaced.set(disk.inode, [...(displaced.get(disk.inode) ?? []), path])
  }
  return displaced.size === 0 ? [] : putBack({ tree, index, displaced })
}

interface Displaced {
  readonly tree: TargetTree
  readonly index: IndexStore
  readonly displaced: Map<bigint, RelPath[]>
}

function putBack({ tree, index, displaced }: Displaced): RelPath[] {
  const restored: RelPath[] = []
  for (const row of allRows(index)) {
    const from = displaced.get(row.stat.inode)?.at(-1)
    if (from === undefined || !isOf(row, tree, from) || !isFree(tree, row.path)) continue
    tree.rename(from, row.path)
    displaced.get(row.stat.inode)?.pop()
    restored.push(row.path)
  }
  return restored
}

// The move changed ctime, and metadata may have been set since, so type and size must do beside the inode.
function isOf(row: IndexRow, tree: TargetTree, from: RelPath): boolean {
  const disk = tree.lstat(from)
  return disk !== null && disk.type === row.stat.type && disk.size === row.stat.size
}

function isFree(tree: TargetTree, path: RelPath): boolean {
  const folder = parent(path)
  return folder !== null && tree.list(folder) !== null && tree.lstat(path) === null
}

function* allRows(index: IndexStore): Generator<IndexRow> {
  let after: RelPath | undefined
  while (true) {
    const page = index.below(ROOT, PAGE, after)
    yield* page
    after = page.at(-1)?.path
    if (page.length < PAGE) return
  }
}

/** Removes a path with everything below it; gives whether it existed. */
export function removeTree(tree: TargetTree, path: RelPath): boolean {
  const disk = tree.lstat(path)
  if (disk === null) return false
  if (disk.type !== 'directory') tree.unlink(path)
  else removeFolder(tree, path)
  return true
}

function removeFolder(tree: TargetTree, path: RelPath): void {
  for (const name of tree.list(path) ?? []) removeTree(tree, child(path, name))
  if (!tree.removeDirectory(path))
    throw new AppError('FOLDER_NOT_EMPTY', `cannot remove "${path}": something was added to it`)
}
