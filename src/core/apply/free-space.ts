import type { Failure } from '../base/result.ts'
import type { FreeSpace } from './options.ts'

/** Keeps the share of the file system free that the policy demands, counting what a set writes. */
export class SpaceGuard {
  readonly #minFreePercent: number
  readonly #measure: () => FreeSpace
  #measured: FreeSpace | null = null
  #promisedBytes = 0

  constructor(minFreePercent: number, measure: () => FreeSpace) {
    this.#minFreePercent = minFreePercent
    this.#measure = measure
  }

  /** Counts a file that is to be written; gives the failure where it must not be. */
  admit(bytes: number): Failure | null {
    this.#measured ??= this.#measure()
    const { freeBytes, totalBytes } = this.#measured
    const leftBytes = freeBytes - this.#promisedBytes - bytes
    if (leftBytes * 100 >= totalBytes * this.#minFreePercent) {
      this.#promisedBytes += bytes
      return null
    }
    const percent = this.#minFreePercent
    return {
      code: 'NO_SPACE',
      message: `cannot write ${bytes} bytes: less than ${percent} % of the file system would be free`,
    }
  }
}
