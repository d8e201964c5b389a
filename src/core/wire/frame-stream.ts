import { FRAME_BYTES_MAX } from '../base/limits.ts'
import { type Result, failure, success } from '../base/result.ts'
import { FRAME_HEAD_BYTES } from './frame.ts'

/** A frame as it was cut from the stream; the payload is not looked at yet. */
export interface RawFrame {
  readonly type: number
  readonly payload: Uint8Array
}

/**
 * Cuts a stream of bytes into frames, whatever the chunks it comes in. A length is checked before anything is allocated;
 * a frame that lies within one chunk is not copied.
 */
export class FrameStream {
  /** The frame that has begun: its head while that is not whole, then head and payload at their full length. */
  #partial = new Uint8Array(FRAME_HEAD_BYTES)
  #filledBytes = 0

  /** Takes the next chunk and hands on each frame that it completes. After a failure the stream is of no use. */
  push(chunk: Uint8Array, onFrame: (frame: RawFrame) => void): Result<void> {
    let offset = 0
    while (offset < chunk.length) {
      const whole = this.#filledBytes === 0 ? frameAt(chunk, offset) : null
      if (whole !== null && !whole.ok) return whole
      if (whole?.value) {
        offset += FRAME_HEAD_BYTES + whole.value.payload.length
        onFrame(whole.value)
        continue
      }
      const taken = this.#fill(chunk, offset)
      if (!taken.ok) return taken
      offset = taken.value
      this.#emit(onFrame)
    }
    return success(undefined)
  }

  /** True between two frames. */
  get isBetweenFrames(): boolean {
    return this.#filledBytes === 0
  }

  #fill(chunk: Uint8Array, offset: number): Result<number> {
    const end = Math.min(chunk.length, offset + this.#partial.length - this.#filledBytes)
    this.#partial.set(chunk.subarray(offset, end), this.#filledBytes)
    this.#filledBytes += end - offset
    const headIsWhole =
      this.#filledBytes === FRAME_HEAD_BYTES && this.#partial.length === FRAME_HEAD_BYTES
    if (!headIsWhole) return success(end)
    const length = lengthAt(this.#partial, 0)
    if (!length.ok) return length
    const grown = new Uint8Array(4 + length.value)
    grown.set(this.#partial)
    this.#partial = grown
    return success(end)
  }

  #emit(onFrame: (frame: RawFrame) => void): void {
    if (this.#filledBytes < this.#partial.length || this.#filledBytes < FRAME_HEAD_BYTES) return
    const frame = { type: this.#partial[4] ?? 0, payload: this.#partial.subarray(FRAME_HEAD_BYTES) }
    this.#partial = new Uint8Array(FRAME_HEAD_BYTES)
    this.#filledBytes = 0
    onFrame(frame)
  }
}

/** The frame at an offset if the chunk holds all of it, else null. */
function frameAt(chunk: Uint8Array, offset: number): Result<RawFrame | null> {
  if (chunk.length - offset < FRAME_HEAD_BYTES) return success(null)
  const length = lengthAt(chunk, offset)
  if (!length.ok) return length
  const end = offset + 4 + length.value
  if (end > chunk.length) return success(null)
  const payload = chunk.subarray(offset + FRAME_HEAD_BYTES, end)
  return success({ type: chunk[offset + 4] ?? 0, payload })
}

function lengthAt(bytes: Uint8Array, offset: number): Result<number> {
  const length = new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0)
  if (length > 0 && length <= FRAME_BYTES_MAX) return success(length)
  return failure('PROTOCOL', `cannot read a frame of ${length} bytes`)
}
