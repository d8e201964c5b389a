/** How many files may leave a source within a sliding window before a person is asked; null switches a limit off. */
export interface DeletionLimit {
  readonly count: number | null
  /** Of the files that the source had. */
  readonly percent: number | null
  readonly windowS: number
}

/** What the journal says of the window as it stands now. */
export interface BreakerState {
  /** Files that left, or were emptied, within the window. */
  readonly losses: number
  /** Whether anything is held already. */
  readonly isOpen: boolean
}

/**
 * Decides which deletions go out. Once one is held, all that follow are, however slowly they come: what reaches a target
 * stays within the limit until somebody has looked. One file may always go, or a source of three could lose none.
 */
export class Breaker {
  readonly #limit: DeletionLimit
  #losses: number
  #isOpen: boolean

  constructor(limit: DeletionLimit, state: BreakerState) {
    this.#limit = limit
    this.#losses = state.losses
    this.#isOpen = state.isOpen
  }

  /** Takes a loss of one of so many files; false where it is to be held. */
  admit(fileCount: number): boolean {
    this.#isOpen ||= this.#losses + 1 > this.#allowed(fileCount)
    if (this.#isOpen) return false
    this.#losses++
    return true
  }

  #allowed(fileCount: number): number {
    const { count, percent } = this.#limit
    const before = fileCount + this.#losses
    const share = percent === null ? Infinity : Math.max(1, Math.floor((before * percent) / 100))
    return Math.min(count ?? Infinity, share)
  }
}
