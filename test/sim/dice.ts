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

  /** One of some of which there is always one. */
  oneOf<T>(choices: readonly T[]): T {
    const chosen = choices[this.#below(choices.length)]
    if (chosen === undefined) throw new Error('there is nothing to choose from')
    return chosen
  }

  /** One of some; null where there are none. */
  pick<T>(choices: readonly T[]): T | null {
    return choices[this.#below(Math.max(1, choices.length))] ?? null
  }
}
