import type { WriteHandle } from './target-tree.ts'
import { HOLE_BYTES, isZero, zeroRuns } from './zero-runs.ts'

/** Writes content as it comes and leaves out whole blocks of zeros, wherever between two parts they lie. */
export class SparseContent {
  readonly #holesFrom: number
  /** Zeros behind what was written, from the beginning of a block on: with what comes next it may be a hole. */
  #heldBytes = 0

  /** Before `holesFrom` bytes zeros are written, because something else is there. */
  constructor(holesFrom: number) {
    this.#holesFrom = holesFrom
  }

  /** Writes what lies at `position` of the file, right behind what came before. */
  write(handle: WriteHandle, bytes: Uint8Array, position: number): void {
    const begun = this.#heldBytes === 0 ? 0 : this.#endBlock(handle, bytes, position)
    const rest = bytes.subarray(begun)
    const tailBytes = zeroTail(rest, position + begun)
    const end = rest.length - tailBytes
    for (const run of zeroRuns(rest.subarray(0, end), position + begun)) {
      const isHole = run.kind === 'hole' && position + begun + run.start >= this.#holesFrom
      if (isHole) handle.skip(run.end - run.start)
      else handle.write(rest.subarray(run.start, run.end))
    }
    this.#heldBytes += tailBytes
  }

  /** Writes what is held, because something else comes next, or nothing. */
  flush(handle: WriteHandle): void {
    if (this.#heldBytes > 0) handle.write(new Uint8Array(this.#heldBytes))
    this.#heldBytes = 0
  }

  /** Goes on with a block of which only zeros have come; gives how many bytes of it these are. */
  #endBlock(handle: WriteHandle, bytes: Uint8Array, position: number): number {
    const length = Math.min(HOLE_BYTES - this.#heldBytes, bytes.length)
    const start = position - this.#heldBytes
    if (!isZero(bytes, 0, length)) {
      this.flush(handle)
      handle.write(bytes.subarray(0, length))
      return length
    }
    this.#heldBytes += length
    if (this.#heldBytes < HOLE_BYTES) return length
    if (start < this.#holesFrom) this.flush(handle)
    else handle.skip(HOLE_BYTES)
    this.#heldBytes = 0
    return length
  }
}

/** How many zeros at the end are the beginning of a block. */
function zeroTail(bytes: Uint8Array, position: number): number {
  const length = (position + bytes.length) % HOLE_BYTES
  const start = bytes.length - length
  return start >= 0 && isZero(bytes, start, bytes.length) ? length : 0
}
