import { encodeFrame } from '../../src/core/wire/frame-encode.ts'
import type { Frame } from '../../src/core/wire/frame.ts'

/** A frame as it looks on the wire. */
export function frameBytes(frame: Frame): Uint8Array {
  const { head, content } = encodeFrame(frame)
  return content === null ? head : Buffer.concat([head, content])
}
