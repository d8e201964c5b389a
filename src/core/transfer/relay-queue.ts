import { type Frame, withOwnBytes } from '../wire/frame.ts'
import type { RelayedFrame } from './relay.ts'

/** More than a frame without a block takes. */
const FRAME_BYTES = 256

/** Frames that a child has not taken yet, with the bytes that they hold. */
export class RelayQueue {
  readonly #items: RelayedFrame[] = []
  #bytes = 0
  /** The bytes of the last frame are still those of whoever gave it. */
  #isLent = false

  get bytes(): number {
    return this.#bytes
  }

  /** The frame must not change before `keep`. */
  push(item: RelayedFrame): void {
    this.#items.push(item)
    this.#bytes += bytesOf(item.frame)
    this.#isLent = true
  }

  /** Copies the bytes of the last frame, if it still waits. */
  keep(): void {
    const last = this.#isLent ? this.#items.pop() : undefined
    if (last !== undefined) this.#items.push({ ...last, frame: withOwnBytes(last.frame) })
    this.#isLent = false
  }

  shift(): RelayedFrame | null {
    const item = this.#items.shift()
    if (item === undefined) return null
    this.#bytes -= bytesOf(item.frame)
    return item
  }

  clear(): void {
    this.#items.length = 0
    this.#bytes = 0
  }
}

function bytesOf(frame: Frame): number {
  return FRAME_BYTES + ('block' in frame ? frame.block.bytes.length : 0)
}
