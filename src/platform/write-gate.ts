/**
 * Lets one writer in at a time. Every statement of @libsql/client on a file runs on the event loop's own thread, so a
 * second writer would wait there for the first, which needs that thread to commit: all stands still until the busy
 * timeout. Readers need no gate.
 */
export class WriteGate {
  #tail: Promise<unknown> = Promise.resolve()

  /** Runs the work after all that came before it. Must not be entered again from within the work. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work)
    // The gate only orders; whoever called sees the failure.
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** Resolves when everything let in so far has ended. */
  async idle(): Promise<void> {
    await this.#tail
  }
}
