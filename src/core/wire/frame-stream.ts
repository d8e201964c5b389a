import { FRAME_BYTES_MAX } from '../base/limits.ts'
import { type Result, failure, success } from '../base/result.ts'
import { FRAME_HEAD_BYTES } from './frame.ts'

const LENGTH_BYTES = 4

/**
 * A frame as it was cut from the stream; the payload is not looked at yet, and is valid only until the one who got it
 * returns.
 */
export interface RawFrame {
  readonly type: number
  readonly payload: Uint8Array
}

/** A frame together with its bytes from the length on, as they came. */
export interface CutFrame extends RawFrame {
  readonly bytes: Uint8Array
}

/**
 * Cuts a stream of bytes into frames, whatever the chunks it comes in. A length is checked before anything is allocated;
 * a frame that lies within one chunk is not copied, others are put together in one buffer that is used again.
 */
export class FrameStream {
  readonly #bytesMax: number
  /** Holds the frame that has begun; as large as the largest such frame so far. */
  #buffer = new Uint8Array(FRAME_HEAD_BYTES)
  #filledBytes = 0
  /** What `#filledBytes` has to reach next: a head, then the whole frame. */
  #dueBytes = FRAME_HEAD_BYTES

  /** `sealBytes` come on top of what a frame may have, where each carries a seal at its end. */
  constructor(sealBytes = 0) {
    this.#bytesMax = FRAME_BYTES_MAX + sealBytes
  }

  /** Takes the next chunk and hands on each frame that it completes. After a failure the stream is of no use. */
  push(chunk: Uint8Array, onFrame: (frame: CutFrame) => void): Result<void> {
    let offset = 0
    while (offset < chunk.length) {
      const whole = this.isBetweenFrames ? this.#frameAt(chunk, offset) : null
      if (whole !== null && !whole.ok) return whole
      if (whole?.value) {
        offset += FRAME_HEAD_BYTES + whole.value.payload.length
        onFrame(whole.value)
        continue
      }
      offset = this.#fill(chunk, offset)
      const grown = this.#growAfterHead()
      if (!grown.ok) return grown
      this.#emitIfWhole(onFrame)
    }
    return success(undefined)
  }

  /** True between two frames. */
  get isBetweenFrames(): boolean {
    return this.#filledBytes === 0
  }

  #fill(chunk: Uint8Array, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#dueBytes - this.#filledBytes)
    this.#buffer.set(chunk.subarray(offset, end), this.#filledBytes)
    this.#filledBytes += end - offset
    return end
  }

  #growAfterHead(): Result<void> {
    if (this.#filledBytes !== FRAME_HEAD_BYTES) return success(undefined)
    const length = this.#lengthAt(this.#buffer, 0)
    if (!length.ok) return length
    this.#dueBytes = LENGTH_BYTES + length.value
    if (this.#dueBytes <= this.#buffer.length) return success(undefined)
    const grown = new Uint8Array(this.#dueBytes)
    grown.set(this.#buffer.subarray(0, this.#filledBytes))
    this.#buffer = grown
    return success(undefined)
  }

  #emitIfWhole(onFrame: (frame: CutFrame) => void): void {
    if (this.#filledBytes < FRAME_HEAD_BYTES || this.#filledBytes < this.#dueBytes) return
    const bytes = this.#buffer.subarray(0, this.#dueBytes)
    const payload = bytes.subarray(FRAME_HEAD_BYTES)
    this.#filledBytes = 0
    this.#dueBytes = FRAME_HEAD_BYTES
    onFrame({ type: this.#buffer[LENGTH_BYTES] ?? 0, payload, bytes })
  }

  /** The frame at an offset if the chunk holds all of it, else null. */
  #frameAt(chunk: Uint8Array, offset: number): Result<CutFrame | null> {
    if (chunk.length - offset < FRAME_HEAD_BYTES) return success(null)
    const length = this.#lengthAt(chunk, offset)
    if (!length.ok) return length
    const end = offset + LENGTH_BYTES + length.value
    if (end > chunk.length) return success(null)
    const bytes = chunk.subarray(offset, end)
    return success({
      type: bytes[LENGTH_BYTES] ?? 0,
      payload: bytes.subarray(FRAME_HEAD_BYTES),
      bytes,
    })
  }

  #lengthAt(bytes: Uint8Array, offset: number): Result<number> {
    const length = new DataView(bytes.buffer, bytes.byteOffset + offset, LENGTH_BYTES).getUint32(0)
    if (length > 0 && length <= this.#bytesMax) return success(length)
    return failure('PROTOCOL', `cannot read a frame of ${length} bytes`)
  }
}
