/** Bytes written to the socket in one call where frames are small: one call each would cost more than the copy. */
const WRITE_BYTES = 256 << 10
/** A frame of this size is written as it is. */
const ALONE_BYTES = 64 << 10

/** The one thing the queue asks of a socket; a negative answer means that it is closed. */
export interface ByteSink {
  write(bytes: Uint8Array, byteOffset: number, byteLength: number): number
}

/**
 * Frames on their way into one socket, in order. A socket takes as much as it likes and says later that it has room
 * again: then `flush` is called once more. Small frames are written together.
 */
export class WriteQueue {
  readonly #frames: Uint8Array[] = []
  /** What is being written; the rest of it goes before all frames. */
  #current: Uint8Array | null = null
  #offset = 0
  /** Of all bytes so far: how many were pushed, how many written, and where the last that were lent end. */
  #pushedBytes = 0
  #writtenBytes = 0
  #lentToBytes = 0
  readonly #lent = new Set<Uint8Array>()

  get queuedBytes(): number {
    return this.#pushedBytes - this.#writtenBytes
  }

  /** True while bytes wait that must be given back unchanged. */
  get isLent(): boolean {
    return this.#writtenBytes < this.#lentToBytes
  }

  /** The frame must not change any more. */
  push(frame: Uint8Array): void {
    this.#frames.push(frame)
    this.#pushedBytes += frame.length
  }

  /** The frame must not change while `isLent`. */
  lend(frame: Uint8Array): void {
    this.push(frame)
    if (!this.isLent) this.#lent.clear()
    this.#lent.add(frame)
    this.#lentToBytes = this.#pushedBytes
  }

  /** Copies what was lent and still waits: it may change from now on. */
  keep(): void {
    if (!this.isLent) return
    for (const [index, frame] of this.#frames.entries())
      if (this.#lent.has(frame)) this.#frames[index] = frame.slice()
    if (this.#current !== null && this.#lent.has(this.#current))
      this.#current = this.#current.slice()
    this.#lentToBytes = this.#writtenBytes
  }

  /** Writes what the sink takes; gives how many bytes that was. */
  flush(sink: ByteSink): number {
    let writtenBytes = 0
    for (;;) {
      this.#current ??= this.#nextWrite()
      if (this.#current === null) return writtenBytes
      const leftBytes = this.#current.length - this.#offset
      const taken = Math.max(0, sink.write(this.#current, this.#offset, leftBytes))
      writtenBytes += taken
      this.#writtenBytes += taken
      this.#offset += taken
      if (taken < leftBytes) return writtenBytes
      this.#current = null
      this.#offset = 0
    }
  }

  clear(): void {
    this.#frames.length = 0
    this.#lent.clear()
    this.#current = null
    this.#offset = 0
    this.#writtenBytes = this.#pushedBytes
  }

  #nextWrite(): Uint8Array | null {
    let count = 0
    let bytes = 0
    for (const frame of this.#frames) {
      if (count > 0 && (frame.length >= ALONE_BYTES || bytes + frame.length > WRITE_BYTES)) break
      count++
      bytes += frame.length
      if (frame.length >= ALONE_BYTES) break
    }
    const frames = this.#frames.splice(0, count)
    return frames.length > 1 ? Buffer.concat(frames, bytes) : (frames[0] ?? null)
  }
}
