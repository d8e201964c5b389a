import type { Working } from '../../core/base/working.ts'

/** Work goes on so long before others on this thread have their turn. */
const SLICE_MS = 4

/** Does work with turns of everybody else in between; gives what it comes to. */
export async function inTurns<T>(work: Working<T>): Promise<T> {
  let endsAtMs = performance.now() + SLICE_MS
  for (let turn = work.next(); ; turn = work.next()) {
    if (turn.done === true) return turn.value
    if (performance.now() < endsAtMs) continue
    await new Promise((resolve) => setImmediate(resolve))
    endsAtMs = performance.now() + SLICE_MS
  }
}
