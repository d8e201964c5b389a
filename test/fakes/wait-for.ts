/** Waits until a condition holds; throws with its description after ten seconds. */
export async function waitFor(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await Bun.sleep(5)
  }
}
