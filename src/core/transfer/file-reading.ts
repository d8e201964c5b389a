import type { FileFingerprint, OutboundRow } from '../apply/outbound.ts'
import type { Hasher, ReadHandle, ReadTree } from '../apply/target-tree.ts'
import { AppError, type ErrorCode } from '../base/errors.ts'
import { CONTENT_CHUNK_BYTES } from '../base/limits.ts'
import type { ContentHash, FileState } from '../change/entry.ts'
import type { SenderStep, Steps } from './sender-ports.ts'

/**
 * What became of reading one file. `changed`: it is gone or no longer what its row says. `unavailable`: it cannot be
 * read. `isTorn`: the file was changing, so that what was read of it may never have been its content.
 */
export type ReadOutcome =
  | { readonly kind: 'read'; readonly hash: ContentHash; readonly isTorn?: boolean }
  | { readonly kind: 'changed' }
  | { readonly kind: 'unavailable'; readonly code: ErrorCode }

const CHANGED: ReadOutcome = { kind: 'changed' }

/** Tells whether a file is still what its row describes. */
function fingerprintHolds(state: FileState, fingerprint: FileFingerprint): boolean {
  return (
    state.type === fingerprint.type &&
    state.size === fingerprint.size &&
    state.mtimeNs === fingerprint.mtimeNs &&
    state.ctimeNs === fingerprint.ctimeNs &&
    state.inode === fingerprint.inode &&
    state.device === fingerprint.device
  )
}

export interface Reading {
  /** The tree of the moment: a root that was mounted anew has another. Throws where there is none. */
  tree(): ReadTree
  readonly newHasher: () => Hasher
  /** At least CONTENT_CHUNK_BYTES long; its content is overwritten by every chunk. */
  readonly buffer: Uint8Array
}

/**
 * Reads a file of any size chunk by chunk, each valid only while `onChunk` looks at it, and suspends with the step that
 * it gives. The file is looked at before the first and after the last byte: only where both looks equal the row is the
 * outcome `read`, but for a restless file: as much as its row says is taken of it, whatever happens meanwhile.
 */
export function* readSteps(
  reading: Reading,
  row: OutboundRow,
  onChunk: (chunk: Uint8Array) => SenderStep | null,
): Steps<ReadOutcome> {
  const { fingerprint } = row
  if (fingerprint === null) return CHANGED
  const opened = openAsSaid(reading.tree(), row)
  if ('kind' in opened) return opened
  try {
    const hasher = reading.newHasher()
    for (let position = 0; position < fingerprint.size;) {
      const wantedBytes = Math.min(CONTENT_CHUNK_BYTES, fingerprint.size - position)
      const read = attempt(() => opened.read(reading.buffer.subarray(0, wantedBytes), position))
      if (typeof read !== 'number') return read
      if (read === 0) return CHANGED
      const chunk = reading.buffer.subarray(0, read)
      hasher.update(chunk)
      position += read
      const step = onChunk(chunk)
      if (step !== null) yield step
    }
    return confirmed(opened, row, () => hasher.digest())
  } finally {
    opened.close()
  }
}

/** Reads a small file into `target`, which is as long as its row says, in one go; the same rules. */
export function readWhole(reading: Reading, row: OutboundRow, target: Uint8Array): ReadOutcome {
  const opened = openAsSaid(reading.tree(), row)
  if ('kind' in opened) return opened
  try {
    for (let position = 0; position < target.length;) {
      const read = attempt(() => opened.read(target.subarray(position), position))
      if (typeof read !== 'number') return read
      if (read === 0) return CHANGED
      position += read
    }
    return confirmed(opened, row, () => {
      const hasher = reading.newHasher()
      hasher.update(target)
      return hasher.digest()
    })
  } finally {
    opened.close()
  }
}

/** Opens a file that is still what its row says. */
export function openAsSaid(tree: ReadTree, row: OutboundRow): ReadHandle | ReadOutcome {
  const handle = attempt(() => tree.open(row.entry.path))
  if (handle === null) return CHANGED
  if ('kind' in handle) return handle
  if (row.fingerprint !== null && mayBeRead(handle.opened, row, row.fingerprint)) return handle
  handle.close()
  return CHANGED
}

/** A restless one may have grown. */
function mayBeRead(
  found: FileState,
  { isRestless }: OutboundRow,
  fingerprint: FileFingerprint,
): boolean {
  if (fingerprintHolds(found, fingerprint)) return true
  return isRestless === true && found.type === 'file' && found.size >= fingerprint.size
}

function confirmed(handle: ReadHandle, row: OutboundRow, digest: () => ContentHash): ReadOutcome {
  if (row.fingerprint === null) return CHANGED
  if (fingerprintHolds(handle.stat(), row.fingerprint)) return { kind: 'read', hash: digest() }
  return row.isRestless === true ? { kind: 'read', hash: digest(), isTorn: true } : CHANGED
}

/** What the tree refuses concerns this one file, so it is a value; anything else goes up and ends the job. */
function attempt<T>(call: () => T): T | { kind: 'unavailable'; code: ErrorCode } {
  try {
    return call()
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    return { kind: 'unavailable', code: thrown.code }
  }
}
