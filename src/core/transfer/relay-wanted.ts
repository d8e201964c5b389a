import type { Base } from '../wire/patch-frames.ts'

/** What is told to the parent about one set. */
export interface SubtreeAnswer {
  readonly wanted: readonly boolean[]
  /** The older versions from which everyone who lacks a file can build it. */
  readonly bases: readonly Base[]
}

interface ChildAnswer {
  readonly wanted: readonly boolean[]
  readonly bases: readonly Base[]
}

/**
 * What is asked of the parent for one set: everything that this server or anyone below it lacks, so that content which
 * only a child lacks passes through too.
 */
export class WantedTurn {
  readonly #open: Set<object>
  #own: boolean[] | null = null
  readonly #others: boolean[] = []
  #ownBases: readonly Base[] = []
  readonly #children: ChildAnswer[] = []

  /** The children whose answer counts. */
  constructor(children: Iterable<object>) {
    this.#open = new Set(children)
  }

  /** The union, once everyone has answered; else null. */
  get answer(): SubtreeAnswer | null {
    if (this.#open.size > 0 || this.#own === null) return null
    return { wanted: this.#own, bases: this.#ownBases.filter((base) => this.#isCommon(base)) }
  }

  /** True until this server has said what it lacks itself. */
  get lacksOwn(): boolean {
    return this.#own === null
  }

  takeOwn(wanted: readonly boolean[], bases: readonly Base[]): void {
    this.#ownBases = bases
    this.#own = wanted.map((flag, index) => flag || this.#others[index] === true)
  }

  /** Waits for nobody any more. */
  settle(): void {
    this.#open.clear()
  }

  /** Takes a child's answer; null where the set does not go to it. */
  take(child: object, wanted: readonly boolean[] | null, bases: readonly Base[] = []): void {
    if (!this.#open.delete(child) || wanted === null) return
    this.#children.push({ wanted, bases })
    for (const [index, flag] of wanted.entries()) {
      if (!flag) continue
      this.#others[index] = true
      if (this.#own !== null && index < this.#own.length) this.#own[index] = true
    }
  }

  /** Changes can be passed on where every child that lacks the file holds the same version. */
  #isCommon({ index, hash }: Base): boolean {
    return this.#children.every(({ wanted, bases }) => {
      const isHeld = bases.some((base) => base.index === index && base.hash === hash)
      return wanted[index] !== true || isHeld
    })
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
  takeOwn(wanted: readonly boolean[], bases: readonly Base[]): void {
    this.#turns.find((turn) => turn.lacksOwn)?.takeOwn(wanted, bases)
  }

  /** Waits for a child no longer. */
  forget(child: object): void {
    for (const turn of this.#turns) turn.take(child, null)
  }

  /** Waits for no child any more: what is still open is answered as far as it is known. */
  settle(): void {
    for (const turn of this.#turns) turn.settle()
  }

  /** The answers that are whole, each given once. */
  *ready(): Generator<SubtreeAnswer> {
    for (;;) {
      const answer = this.#turns[0]?.answer ?? null
      if (answer === null) return
      this.#turns.shift()
      yield answer
    }
  }
}
