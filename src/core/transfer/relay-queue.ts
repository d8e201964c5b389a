import type { Frame } from '../wire/frame.ts'
import type { RelayedFrame } from './relay.ts'

/** More than a frame without a block takes. */
const FRAME_BYTES = 256

/** Frames that a child has not taken yet, with the bytes that they hold. */
export class RelayQueue {
  readonly #items: RelayedFrame[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  push(item: RelayedFrame): void {
    this.#items.push(item)
    this.#bytes += bytesOf(item.frame)
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
