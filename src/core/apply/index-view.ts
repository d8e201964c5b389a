import type { ContentHash, FileKey, Position } from '../change/entry.ts'
import { type RelPath, isBelow, rebase } from '../path/rel-path.ts'
import type { IndexRow, IndexStore, StoredPending } from './index-store.ts'

export interface FolderMove {
  readonly from: RelPath
  readonly to: RelPath
}

/**
 * The index as one set sees it: rows read once between two refreshes, and rows below a folder that this set moved under their new paths.
 * Moves never lie within one another.
 */
export class IndexView {
  readonly #store: IndexStore
  readonly #rows = new Map<RelPath, IndexRow | null>()
  readonly #moves: FolderMove[] = []

  constructor(store: IndexStore) {
    this.#store = store
  }

  get(path: RelPath): IndexRow | null {
    const origin = this.#origin(path)
    if (origin === null) return null
    const row = this.#read(origin)
    return row === null || origin === path ? row : { ...row, path }
  }

  findByHash(hash: ContentHash, limit: number): IndexRow[] {
    return this.#store.findByHash(hash, limit).map((row) => ({ ...row, path: this.#now(row.path) }))
  }

  namesOf(file: FileKey, hash: ContentHash, limit: number): IndexRow[] {
    return this.#store
      .namesOf(file, hash, limit)
      .map((row) => ({ ...row, path: this.#now(row.path) }))
  }

  namesOn(inode: bigint, file: FileKey, limit: number): IndexRow[] {
    return this.#store
      .namesOn(inode, file, limit)
      .map((row) => ({ ...row, path: this.#now(row.path) }))
  }

  fileOn(inode: bigint): FileKey | null {
    return this.#store.fileOn(inode)
  }

  claims(): ReadonlySet<RelPath> {
    return this.#store.claims()
  }

  pending(): readonly StoredPending[] {
    return this.#store.pending()
  }

  watermark(): Position | null {
    return this.#store.watermark()
  }

  /** Reads rows anew from here on: sets of other bindings may have changed them. */
  refresh(): void {
    this.#rows.clear()
  }

  /** Says that a folder was moved on the disk. */
  move(move: FolderMove): void {
    this.#moves.push(move)
  }

  /** Tells whether what lies at a path came there with its folder. */
  wasMoved(path: RelPath): boolean {
    return this.#moves.some(({ to }) => path === to || isBelow(path, to))
  }

  #read(path: RelPath): IndexRow | null {
    const known = this.#rows.get(path)
    if (known !== undefined) return known
    const row = this.#store.get(path)
    this.#rows.set(path, row)
    return row
  }

  /** Where the row of a path is stored; null where its folder was moved away. */
  #origin(path: RelPath): RelPath | null {
    for (const { from, to } of this.#moves) {
      if (path === to || isBelow(path, to)) return rebase(path, to, from)
      if (path === from || isBelow(path, from)) return null
    }
    return path
  }

  #now(path: RelPath): RelPath {
    const move = this.#moves.find(({ from }) => path === from || isBelow(path, from))
    return move === undefined ? path : rebase(path, move.from, move.to)
  }
}
