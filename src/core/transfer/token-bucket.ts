/** What may be saved up while nothing is sent, or while whoever sends is late: 2 % of ten seconds. */
const BURST_S = 0.2
/** A rate so low that its burst were smaller would be all overhead. */
const BURST_BYTES_MIN = 512

/**
 * How many bytes may go at a rate. Time is told, in milliseconds from any beginning that never runs backwards. Over any
 * stretch no more goes than rate × time and one burst.
 */
export class TokenBucket {
  #rateBytesPerS: number
  #bytes: number
  #filledAtMs: number

  /** The rate in bytes per second, above 0. */
  constructor(rateBytesPerS: number, nowMs: number) {
    this.#rateBytesPerS = rateBytesPerS
    this.#bytes = this.#burstBytes
    this.#filledAtMs = nowMs
  }

  /** Goes on at another rate; what was saved up so far stays within the new burst. */
  setRate(rateBytesPerS: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#rateBytesPerS = rateBytesPerS
    this.#bytes = Math.min(this.#bytes, this.#burstBytes)
  }

  /** Whole bytes that may go now. */
  availableBytes(nowMs: number): number {
    this.#fill(nowMs)
    return Math.max(0, Math.floor(this.#bytes))
  }

  /** Takes what went. */
  take(bytes: number): void {
    this.#bytes -= bytes
  }

  /** Milliseconds until a quarter of a burst may go, so that what goes is worth a call. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs)
    const missingBytes = this.#burstBytes / 4 - this.#bytes
    return Math.max(1, Math.ceil((missingBytes / this.#rateBytesPerS) * 1000))
  }

  get #burstBytes(): number {
    return Math.max(BURST_BYTES_MIN, this.#rateBytesPerS * BURST_S)
  }

  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs)
    const filled = this.#bytes + (elapsedMs / 1000) * this.#rateBytesPerS
    this.#bytes = Math.min(this.#burstBytes, filled)
    this.#filledAtMs = Math.max(this.#filledAtMs, nowMs)
  }
}
