import { random } from '../fakes/random.ts'

/** Every decision of one run, from one seed. */
export class Dice {
  readonly #below: (below: number) => number

  constructor(seed: number) {
    this.#below = random(seed)
  }

  /** A whole number from 0 below `below`. */
  below(below: number): number {
    return this.#below(below)
  }

  /** True once in so many throws. */
  oneIn(count: number): boolean {
    return this.#below(count) === 0
  }

  pick<T>(choices: readonly T[]): T | null {
    return choices[this.#below(Math.max(1, choices.length))] ?? null
  }
}
