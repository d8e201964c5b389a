import type { BlockCompression, FrameType, SetBegin } from './frame.ts'
import { PATCH_FRAME_TYPES } from './patch-frames.ts'
import { TUNNEL_FRAME_TYPES } from './tunnel-frames.ts'

/** What stands for a number on the wire; the place in the list is the number, so lists only grow at their end. */
export const FRAME_TYPES: readonly FrameType[] = [
  'hello',
  'open',
  'opened',
  'setBegin',
  'entries',
  'wanted',
  'pack',
  'fileBegin',
  'fileData',
  'fileEnd',
  'setEnd',
  'setDone',
  'jobEnd',
  'error',
  'alive',
  'fileRest',
  ...PATCH_FRAME_TYPES,
  ...TUNNEL_FRAME_TYPES,
]
export const BLOCK_COMPRESSIONS: readonly BlockCompression[] = ['none', 'lz4', 'zstd']
export const SET_KINDS: readonly SetBegin['kind'][] = ['incremental', 'full', 'retry']
