import { FRAME_BYTES_MAX } from '../base/limits.ts'
import { type Result, failure, success } from '../base/result.ts'
import { BLOCK_COMPRESSIONS, FRAME_TYPES } from './frame-numbers.ts'
import { BLOCK_HEAD_BYTES, FRAME_HEAD_BYTES } from './frame.ts'

const LENGTH_BYTES = 4
/** After these it is known whether a frame is plain content of a file, and of how many bytes. */
const CONTENT_HEAD_BYTES = FRAME_HEAD_BYTES + BLOCK_HEAD_BYTES
const CONTENT_TYPE = FRAME_TYPES.indexOf('fileData')
const PLAIN = BLOCK_COMPRESSIONS.indexOf('none')

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

export interface FrameStreamOptions {
  /** What comes on top of what a frame may have, where each carries a seal at its end. */
  readonly sealBytes?: number
  /** Gets plain content of files as it comes, in place of the frames around it; not where there are seals. */
  readonly onContent?: ((bytes: Uint8Array) => void) | null
}

/**
 * Cuts a stream of bytes into frames, whatever the chunks it comes in. A length is checked before anything is allocated;
 * a frame that lies within one chunk is not copied, others are put together in one buffer that is used again. Plain content
 * of a file, which is the same however it is cut, may be had as it comes instead.
 */
export class FrameStream {
  readonly #bytesMax: number
  /** Holds the frame that has begun; as large as the largest such frame so far. */
  #buffer = new Uint8Array(CONTENT_HEAD_BYTES)
  #filledBytes = 0
  /** What `#filledBytes` has to reach next: a head, then the whole frame. */
  #dueBytes = FRAME_HEAD_BYTES
  readonly #onContent: ((bytes: Uint8Array) => void) | null
  /** Of the content that is on its way past the buffer, what has not come. */
  #contentBytes = 0

  constructor({ sealBytes = 0, onContent = null }: FrameStreamOptions = {}) {
    this.#bytesMax = FRAME_BYTES_MAX + sealBytes
    this.#onContent = onContent
  }

  /** Takes the next chunk and hands on each frame that it completes. After a failure the stream is of no use. */
  push(chunk: Uint8Array, onFrame: (frame: CutFrame) => void): Result<void> {
    let offset = 0
    while (offset < chunk.length) {
      if (this.#contentBytes > 0) {
        offset = this.#passContent(chunk, offset)
        continue
      }
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
    return this.#filledBytes === 0 && this.#contentBytes === 0
  }

  #fill(chunk: Uint8Array, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#dueBytes - this.#filledBytes)
    this.#buffer.set(chunk.subarray(offset, end), this.#filledBytes)
    this.#filledBytes += end - offset
    return end
  }

  #passContent(chunk: Uint8Array, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#contentBytes)
    this.#contentBytes -= end - offset
    this.#onContent?.(chunk.subarray(offset, end))
    return end
  }

  #growAfterHead(): Result<void> {
    const isHead = this.#filledBytes === FRAME_HEAD_BYTES
    if (!isHead && this.#filledBytes !== CONTENT_HEAD_BYTES) return success(undefined)
    const length = this.#lengthAt(this.#buffer, 0)
    if (!length.ok) return length
    this.#dueBytes = LENGTH_BYTES + length.value
    if (this.#mayPass && this.#dueBytes > CONTENT_HEAD_BYTES) {
      if (isHead) this.#dueBytes = CONTENT_HEAD_BYTES
      else if (this.#isPlainContent(this.#dueBytes - CONTENT_HEAD_BYTES)) {
        this.#contentBytes = this.#dueBytes - CONTENT_HEAD_BYTES
        this.#filledBytes = 0
        this.#dueBytes = FRAME_HEAD_BYTES
      }
    }
    if (this.#dueBytes <= this.#buffer.length) return success(undefined)
    const grown = new Uint8Array(this.#dueBytes)
    grown.set(this.#buffer.subarray(0, this.#filledBytes))
    this.#buffer = grown
    return success(undefined)
  }

  get #mayPass(): boolean {
    return this.#onContent !== null && this.#buffer[LENGTH_BYTES] === CONTENT_TYPE
  }

  /** A frame that says something else of itself than its length is put together, and refused by whoever reads it. */
  #isPlainContent(bytes: number): boolean {
    const isPlain = this.#buffer[FRAME_HEAD_BYTES] === PLAIN
    return isPlain && new DataView(this.#buffer.buffer).getUint32(FRAME_HEAD_BYTES + 1) === bytes
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
