import { SMALL_FILE_BYTES_MAX } from '../base/limits.ts'
import type { ContentHash, Entry } from '../change/entry.ts'
import { type IndexRow, isUntouched } from './index-store.ts'
import type { ReadHandle, TargetTree, WriteHandle } from './target-tree.ts'

/** An older version of a wanted file that lies here untouched. */
export interface BaseVersion {
  readonly hash: ContentHash
  readonly size: number
}

/** It, while it is read. */
export interface BaseFile extends BaseVersion {
  /** Fills the buffer from a position in bytes; false where that is not possible any more. */
  read(buffer: Uint8Array, position: number): boolean
  /** Lets a new file begin with its first bytes, without reading them; false where that is not possible. */
  share(target: WriteHandle, bytes: number): boolean
  /** Whether it is still what the index says. */
  isUntouched(): boolean
  close(): void
}

interface BasePlaces {
  readonly tree: TargetTree
  readonly view: { get(path: Entry['path']): IndexRow | null }
}

/** The row of the version that a large file's content may be built from: at its own path, or where it was before. */
export function baseRow(places: BasePlaces, entry: Entry): IndexRow | null {
  if ((entry.state?.size ?? 0) <= SMALL_FILE_BYTES_MAX) return null
  for (const path of [entry.path, entry.from]) {
    const row = path === null ? null : places.view.get(path)
    if (row === null || row.state.type !== 'file' || row.state.hash === null) continue
    if (row.state.size <= SMALL_FILE_BYTES_MAX) continue
    if (isUntouched(row, places.tree.lstat(row.path))) return row
  }
  return null
}

/** Opens that version; null where it is not there any more. */
export function openBase(places: BasePlaces, entry: Entry): BaseFile | null {
  const row = baseRow(places, entry)
  const handle = row === null ? null : places.tree.open(row.path)
  if (row === null || handle === null || row.state.hash === null) return null
  const isSame = () => isUntouched(row, handle.stat())
  if (!isSame()) {
    handle.close()
    return null
  }
  return {
    hash: row.state.hash,
    size: row.state.size,
    read: (buffer, position) => fill(handle, buffer, position),
    share: (target, bytes) => target.share(handle, bytes),
    isUntouched: isSame,
    close: () => handle.close(),
  }
}

function fill(handle: ReadHandle, buffer: Uint8Array, position: number): boolean {
  for (let filled = 0; filled < buffer.length;) {
    const count = handle.read(buffer.subarray(filled), position + filled)
    if (count === 0) return false
    filled += count
  }
  return true
}
