import { SET_ENTRIES_MAX } from '../base/limits.ts'
import type { ContentHash } from '../change/entry.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/** An older version of a wanted file that the receiver holds. */
export interface Base {
  readonly index: number
  readonly hash: ContentHash
  readonly size: number
}

/** A stretch of a base whose blocks are to be signed: its place in bytes, and how blocks are made. */
export interface SignatureRequest {
  readonly index: number
  readonly offset: number
  readonly length: number
  readonly blockBytes: number
  readonly seed: { readonly low: number; readonly high: number }
}

/**
 * How a large file travels as changes to an older version. Where the receiver holds one, it says so in `bases`, in front
 * of the set's `wanted`:
 *
 *     S signatureWanted…       R signature…             where the sender does not know that version
 *     S patchBegin, (fileCopy | fileData)…, patchEnd    with more signatureWanted between for small blocks
 *                              R patchDone
 *
 * After a `patchDone` that is not `isRebuilt` the sender sends the file whole.
 */
export type PatchFrame =
  | { readonly type: 'bases'; readonly bases: readonly Base[] }
  | { readonly type: 'signatureWanted'; readonly request: SignatureRequest }
  /** The blocks of one stretch, in order of the requests; none where the base is no longer there. */
  | { readonly type: 'signature'; readonly blocks: Uint8Array }
  | { readonly type: 'patchBegin'; readonly index: number }
  /** Bytes of the base that are next in the file. */
  | { readonly type: 'fileCopy'; readonly from: number; readonly length: number }
  /** The hash of the file, or null where it changed while it was read. */
  | { readonly type: 'patchEnd'; readonly hash: ContentHash | null }
  | { readonly type: 'patchDone'; readonly index: number; readonly isRebuilt: boolean }

export const PATCH_FRAME_TYPES = [
  'bases',
  'signatureWanted',
  'signature',
  'patchBegin',
  'fileCopy',
  'patchEnd',
  'patchDone',
] as const satisfies readonly PatchFrame['type'][]

const TYPES: ReadonlySet<string> = new Set(PATCH_FRAME_TYPES)

/** Tells whether a frame is one of these. */
export function isPatchFrame(frame: { readonly type: string }): frame is PatchFrame {
  return TYPES.has(frame.type)
}

const INDEX_MAX = SET_ENTRIES_MAX - 1

/** Reads the payload of a frame of this type; throws Malformed. */
export function readPatchFrame(type: PatchFrame['type'], reader: ByteReader): PatchFrame {
  switch (type) {
    case 'bases':
      return { type, bases: readBases(reader) }
    case 'signatureWanted':
      return { type, request: readRequest(reader) }
    case 'signature':
      return { type, blocks: reader.rest() }
    case 'patchBegin':
      return { type, index: reader.count(INDEX_MAX) }
    case 'fileCopy':
      return { type, from: reader.count(), length: reader.count() }
    case 'patchEnd':
      return { type, hash: reader.count(1) === 1 ? reader.hash() : null }
    case 'patchDone':
      return { type, index: reader.count(INDEX_MAX), isRebuilt: reader.count(1) === 1 }
  }
}

function readBases(reader: ByteReader): Base[] {
  const count = reader.count(SET_ENTRIES_MAX)
  const bases: Base[] = []
  while (bases.length < count)
    bases.push({ index: reader.count(INDEX_MAX), hash: reader.hash(), size: reader.count() })
  return bases
}

function readRequest(reader: ByteReader): SignatureRequest {
  return {
    index: reader.count(INDEX_MAX),
    offset: reader.count(),
    length: reader.count(),
    blockBytes: reader.count(),
    seed: { low: reader.u32(), high: reader.u32() },
  }
}

/** Writes the payload of a frame. */
export function writePatchFrame(writer: ByteWriter, frame: PatchFrame): void {
  switch (frame.type) {
    case 'bases':
      return writeBases(writer, frame.bases)
    case 'signatureWanted':
      return writeRequest(writer, frame.request)
    case 'signature':
      return writer.raw(frame.blocks)
    case 'patchBegin':
      return writer.count(frame.index)
    case 'fileCopy':
      writer.count(frame.from)
      return writer.count(frame.length)
    case 'patchEnd':
      writer.u8(frame.hash === null ? 0 : 1)
      if (frame.hash !== null) writer.hash(frame.hash)
      return
    case 'patchDone':
      writer.count(frame.index)
      writer.u8(frame.isRebuilt ? 1 : 0)
  }
}

function writeBases(writer: ByteWriter, bases: readonly Base[]): void {
  writer.count(bases.length)
  for (const { index, hash, size } of bases) {
    writer.count(index)
    writer.hash(hash)
    writer.count(size)
  }
}

function writeRequest(writer: ByteWriter, request: SignatureRequest): void {
  writer.count(request.index)
  writer.count(request.offset)
  writer.count(request.length)
  writer.count(request.blockBytes)
  writer.u32(request.seed.low)
  writer.u32(request.seed.high)
}
