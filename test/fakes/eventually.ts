/** Waits until a condition holds, which may itself take time; throws with its description after ten seconds. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain for ${what}`)
    await Bun.sleep(5)
  }
}

/** Gives the code with which a promise is rejected; null where it is not, or by something without a code. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return null
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown ? thrown.code : thrown
  }
}
