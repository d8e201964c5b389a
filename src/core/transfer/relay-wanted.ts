/**
 * What is asked of the parent for one set: everything that this server or anyone below it lacks, so that content which
 * only a child lacks passes through too.
 */
export class WantedTurn {
  readonly #open: Set<object>
  #own: boolean[] | null = null
  readonly #others: boolean[] = []

  /** The children whose answer counts. */
  constructor(children: Iterable<object>) {
    this.#open = new Set(children)
  }

  /** The union, once everyone has answered; else null. */
  get answer(): readonly boolean[] | null {
    return this.#open.size === 0 ? this.#own : null
  }

  takeOwn(wanted: readonly boolean[]): void {
    this.#own = wanted.map((flag, index) => flag || this.#others[index] === true)
  }

  /** Takes a child's answer; null where the set does not go to it. */
  take(child: object, wanted: readonly boolean[] | null): void {
    if (!this.#open.delete(child) || wanted === null) return
    for (const [index, flag] of wanted.entries()) {
      if (!flag) continue
      this.#others[index] = true
      if (this.#own !== null && index < this.#own.length) this.#own[index] = true
    }
  }
}

/** The turns of a stream's sets: answers leave in the order of the sets. */
export class WantedTurns {
  readonly #turns: WantedTurn[] = []

  begin(children: Iterable<object>): WantedTurn {
    const turn = new WantedTurn(children)
    this.#turns.push(turn)
    return turn
  }

  /** Gives what this server itself lacks to the oldest set that it has not answered. */
  takeOwn(wanted: readonly boolean[]): void {
    this.#turns.at(-1)?.takeOwn(wanted)
  }

  /** Waits for a child no longer. */
  forget(child: object): void {
    for (const turn of this.#turns) turn.take(child, null)
  }

  /** The answers that are whole, each given once. */
  *ready(): Generator<readonly boolean[]> {
    for (;;) {
      const answer = this.#turns[0]?.answer ?? null
      if (answer === null) return
      this.#turns.shift()
      yield answer
    }
  }
}
