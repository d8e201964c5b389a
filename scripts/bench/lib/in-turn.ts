/** Runs both, now the one first and now the other, so that neither gains from its place. */
export async function inTurn<T>(
  index: number,
  ours: () => Promise<T>,
  theirs: () => Promise<T>,
): Promise<{ readonly ours: T; readonly theirs: T }> {
  if (index % 2 === 0) {
    const first = await theirs()
    return { theirs: first, ours: await ours() }
  }
  const first = await ours()
  return { ours: first, theirs: await theirs() }
}
