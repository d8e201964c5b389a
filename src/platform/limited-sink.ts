import { TokenBucket } from '../core/transfer/token-bucket.ts'
import type { ByteSink } from './write-queue.ts'

/** A timer may not be set further ahead. */
const WAIT_MS_MAX = 1 << 30

/** Lets bytes into a socket at a rate that may change at any time; without one, as they come. */
export class LimitedSink implements ByteSink {
  readonly #sink: ByteSink
  /** Called when more may go after a write was cut short by the rate. */
  readonly #onRoom: () => void
  #bucket: TokenBucket | null = null
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(sink: ByteSink, onRoom: () => void) {
    this.#sink = sink
    this.#onRoom = onRoom
  }

  /** Bytes per second from now on; null for no limit. What waits goes on at the new rate at once. */
  limit(rateBytesPerS: number | null): void {
    const nowMs = performance.now()
    if (rateBytesPerS === null) this.#bucket = null
    else if (this.#bucket === null) this.#bucket = new TokenBucket(rateBytesPerS, nowMs)
    else this.#bucket.setRate(rateBytesPerS, nowMs)
    if (this.#timer === null) return
    this.stop()
    this.#onRoom()
  }

  write(bytes: Uint8Array, byteOffset: number, byteLength: number): number {
    const bucket = this.#bucket
    if (bucket === null) return this.#sink.write(bytes, byteOffset, byteLength)
    const allowedBytes = Math.min(byteLength, bucket.availableBytes(performance.now()))
    if (allowedBytes < byteLength) this.#wait(bucket)
    if (allowedBytes === 0) return 0
    const takenBytes = this.#sink.write(bytes, byteOffset, allowedBytes)
    bucket.take(Math.max(0, takenBytes))
    return takenBytes
  }

  /** Waits for nothing any more. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #wait(bucket: TokenBucket): void {
    if (this.#timer !== null) return
    const delayMs = Math.min(WAIT_MS_MAX, bucket.waitMs(performance.now()))
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#onRoom()
    }, delayMs)
  }
}
