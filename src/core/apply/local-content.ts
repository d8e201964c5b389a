import { type Working, finish } from '../base/working.ts'
import type { ContentHash, FileState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import { type IndexRow, type IndexStore, isUntouched } from './index-store.ts'
import type { Hasher, TargetTree } from './target-tree.ts'

const READ_BYTES = 1 << 20
const CANDIDATES_MAX = 16

export interface ContentDependencies {
  readonly tree: TargetTree
  readonly index: Pick<IndexStore, 'get' | 'findByHash'>
  readonly createHasher: () => Hasher
}

interface Verified {
  readonly disk: FileState
  readonly hash: ContentHash
}

/**
 * What is here by content. A file is a source only where its stat still equals the index; what is compared at its own
 * place is read and hashed, once per look of the file.
 */
export class LocalContent {
  readonly #deps: ContentDependencies
  readonly #verified = new Map<RelPath, Verified>()

  constructor(deps: ContentDependencies) {
    this.#deps = deps
  }

  /** An untouched file that holds this content, the hint if it does; null for none. */
  find(hash: ContentHash, hint: RelPath | null): IndexRow | null {
    const hinted = hint === null ? null : this.#deps.index.get(hint)
    if (hinted?.state.hash === hash && this.#isHere(hinted)) return hinted
    for (const row of this.#deps.index.findByHash(hash, CANDIDATES_MAX))
      if (this.#isHere(row)) return row
    return null
  }

  /** Tells by reading whether a file on the disk, as it looks now, holds this content. */
  isEqual(path: RelPath, disk: FileState, hash: ContentHash): boolean {
    const known = this.#verified.get(path)
    if (known !== undefined && isSameLook(known.disk, disk)) return known.hash === hash
    const found = finish(this.read(path))
    return found !== null && isSameLook(found.disk, disk) && found.hash === hash
  }

  /** Reads a file, so that `isEqual` need not; null where it is gone, is no file, or changed meanwhile. */
  *read(path: RelPath): Working<Verified | null> {
    const found = yield* hashFile(this.#deps, path)
    if (found !== null) this.#verified.set(path, found)
    return found
  }

  #isHere(row: IndexRow): boolean {
    return isUntouched(row, this.#deps.tree.lstat(row.path))
  }
}

function isSameLook(one: FileState, other: FileState): boolean {
  return (
    one.inode === other.inode &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs &&
    one.ctimeNs === other.ctimeNs
  )
}

/** Reads a file to its end; null where it is gone, is no file, or changed while it was read. */
function* hashFile(deps: ContentDependencies, path: RelPath): Working<Verified | null> {
  const handle = deps.tree.open(path)
  if (handle === null) return null
  try {
    const before = handle.stat()
    const hasher = deps.createHasher()
    const buffer = new Uint8Array(Math.min(READ_BYTES, before.size + 1))
    for (let position = 0; ;) {
      const count = handle.read(buffer, position)
      if (count === 0) break
      hasher.update(buffer.subarray(0, count))
      position += count
      yield
    }
    const disk = handle.stat()
    return isSameLook(before, disk) ? { disk, hash: hasher.digest() } : null
  } finally {
    handle.close()
  }
}
