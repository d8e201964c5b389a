/** Stops the program where an invariant of its own is broken: for bugs, never for bad input. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`)
}
