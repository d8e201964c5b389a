import type { Pair } from './report.ts'

/** Runs both, now the one first and now the other, so that neither gains from its place. */
export async function inTurn(
  index: number,
  ours: () => Promise<Pair['ours']>,
  theirs: () => Promise<Pair['theirs']>,
): Promise<Pair> {
  if (index % 2 === 0) {
    const first = await theirs()
    return { theirs: first, ours: await ours() }
  }
  const first = await ours()
  return { ours: first, theirs: await theirs() }
}
