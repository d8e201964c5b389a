import type { ErrorCode } from '../base/errors.ts'
import type { ContentHash } from '../change/entry.ts'
import type { DoneMessage, ErrorMessage, HelloMessage } from './frame-messages.ts'
import type { OpenMessage, OpenedMessage } from './frame-messages.ts'
import type { PatchFrame } from './patch-frames.ts'
import type { TunnelFrame } from './tunnel-frames.ts'

/**
 * The data connection: `u32 length | u8 type | payload`, big-endian, where length counts type and payload. The side that
 * opened the connection sends (S), the other receives (R); one job after another:
 *
 *     S hello, open            R hello, opened
 *     S setBegin, entries…     R wanted                 for every set, in order
 *     S pack…, fileBegin, fileData…, fileEnd, setEnd
 *                              R setDone
 *     S jobEnd                 R jobEnd
 *
 * S does not wait for `setDone` before the next set, only for the `wanted` that its content depends on. After `error`
 * from either side the connection is closed.
 */
export const DATA_PROTOCOL = 1

/** The length and the type in front of every payload. */
export const FRAME_HEAD_BYTES = 5

/** In front of a block's bytes: how they are packed, and how many they are when unpacked. */
export const BLOCK_HEAD_BYTES = 5

/** Bytes that travel compressed or as they are; `plainBytes` bounds what a receiver unpacks. */
export interface Block {
  readonly compression: BlockCompression
  readonly plainBytes: number
  readonly bytes: Uint8Array
}
export type BlockCompression = 'none' | 'lz4' | 'zstd'

/** `index` counts the entries of the set from 0. */
export type Frame =
  | { readonly type: 'hello'; readonly hello: HelloMessage }
  | { readonly type: 'open'; readonly open: OpenMessage }
  | { readonly type: 'opened'; readonly opened: OpenedMessage }
  | { readonly type: 'setBegin'; readonly begin: SetBegin }
  | { readonly type: 'entries'; readonly block: Block }
  /** One flag per entry: its content is not here and must be sent. */
  | { readonly type: 'wanted'; readonly wanted: readonly boolean[] }
  /** Small files, each as index, size, content. */
  | { readonly type: 'pack'; readonly block: Block }
  | { readonly type: 'fileBegin'; readonly index: number }
  /** In place of `fileBegin`: the content goes on behind what the receiver said that it kept. */
  | { readonly type: 'fileRest'; readonly index: number; readonly keptBytes: number }
  | { readonly type: 'fileData'; readonly block: Block }
  /** Not `whole`: the file changed while it was read, and stands in `skipped` of the set's end. */
  | { readonly type: 'fileEnd'; readonly whole: boolean }
  | { readonly type: 'setEnd'; readonly end: SetEnd }
  | { readonly type: 'setDone'; readonly done: DoneMessage }
  | { readonly type: 'jobEnd' }
  /** From either side at any time: still at work. */
  | { readonly type: 'alive' }
  | { readonly type: 'error'; readonly error: ErrorMessage }
  | PatchFrame
  | TunnelFrame

export type FrameType = Frame['type']

export interface SetBegin {
  readonly from: number
  readonly to: number
  readonly kind: 'incremental' | 'full' | 'retry'
  readonly last: boolean
  readonly entryCount: number
}

/** What the source found while it sent the content of a set. */
export interface SetFindings {
  /** By index; hashes of files whose entry carried none. */
  readonly lateHashes: ReadonlyMap<number, ContentHash>
  /** Indexes of files that changed while they were read, rising. */
  readonly skipped: readonly number[]
  /** By index; files that the source cannot read, and why. */
  readonly unavailable: ReadonlyMap<number, ErrorCode>
}

export interface SetEnd extends SetFindings {
  /** By the key of the source agent over the set's statement. */
  readonly signature: Uint8Array
}

/** The frame with bytes of its own: those of the connection are valid only until its handler returns. */
export function withOwnBytes(frame: Frame): Frame {
  if (!('block' in frame)) return frame
  return { ...frame, block: { ...frame.block, bytes: frame.block.bytes.slice() } }
}
