/** Work that suspends after every stretch, so that others have their turn in between. */
export type Working<T> = Generator<void, T>

/** Does all of it at once; gives what it comes to. */
export function finish<T>(work: Working<T>): T {
  for (let turn = work.next(); ; turn = work.next()) if (turn.done === true) return turn.value
}
