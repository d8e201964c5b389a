/** Memory for what is copied comes in multiples of this: the content of most frames fits into one. */
const STEP_BYTES = 256 << 10

/**
 * Memory that is used again: content that waits is copied all the time, and what was thrown away would lie about until it
 * is collected. Holds at most so many bytes while nobody uses them.
 */
export class SpareBuffers {
  readonly #bytesMax: number
  #spare: ArrayBuffer[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Gives a copy; `giveBack` is due when nobody uses it any more. */
  copy(bytes: Uint8Array): Uint8Array {
    const copy = new Uint8Array(this.#take(bytes.length), 0, bytes.length)
    copy.set(bytes)
    return copy
  }

  /** Takes back what `copy` gave. */
  giveBack({ buffer }: Uint8Array): void {
    if (!(buffer instanceof ArrayBuffer) || this.#bytes + buffer.byteLength > this.#bytesMax) return
    this.#spare.push(buffer)
    this.#bytes += buffer.byteLength
  }

  clear(): void {
    this.#spare = []
    this.#bytes = 0
  }

  #take(length: number): ArrayBuffer {
    const index = this.#spare.findIndex(({ byteLength }) => byteLength >= length)
    const [found] = index < 0 ? [] : this.#spare.splice(index, 1)
    if (found === undefined) return new ArrayBuffer(Math.ceil(length / STEP_BYTES) * STEP_BYTES)
    this.#bytes -= found.byteLength
    return found
  }
}
