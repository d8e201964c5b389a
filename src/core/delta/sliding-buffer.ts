/** The part of a stream that is still looked at: from `keepBytes` before what is asked for, to its end so far. */
export class SlidingBuffer {
  readonly #keepBytes: number
  #bytes = new Uint8Array(0)
  /** Positions in the stream. */
  #start = 0
  #end = 0

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes
  }

  /** Valid until the next `append`, and so are the indexes. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  indexOf(position: number): number {
    return position - this.#start
  }

  /** Takes the next bytes; what lies more than `keepBytes` before `neededFrom` may be dropped. */
  append(chunk: Uint8Array, neededFrom: number): void {
    if (this.#end - this.#start + chunk.length > this.#bytes.length) this.#compact(neededFrom)
    const heldBytes = this.#end - this.#start
    if (heldBytes + chunk.length > this.#bytes.length) {
      const grown = new Uint8Array((heldBytes + chunk.length) * 2)
      grown.set(this.#bytes.subarray(0, heldBytes))
      this.#bytes = grown
    }
    this.#bytes.set(chunk, heldBytes)
    this.#end += chunk.length
  }

  #compact(neededFrom: number): void {
    const start = Math.max(this.#start, neededFrom - this.#keepBytes)
    this.#bytes.copyWithin(0, start - this.#start, this.#end - this.#start)
    this.#start = start
  }
}
