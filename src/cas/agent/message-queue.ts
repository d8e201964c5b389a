/** Messages waiting to be handled; more means that something hangs, and the connection is better begun anew. */
const WAITING_MAX = 10_000

export interface MessageQueueOptions<T> {
  /** Handles one message; the next one waits for it. */
  readonly handle: (message: T) => Promise<void> | void
  readonly onError: (thrown: unknown, message: T) => void
  readonly onOverflow: () => void
}

/** Handles messages one after another in their order, because each may depend on what the one before changed. */
export class MessageQueue<T> {
  readonly #options: MessageQueueOptions<T>
  readonly #waiting: T[] = []
  #busy = false

  constructor(options: MessageQueueOptions<T>) {
    this.#options = options
  }

  readonly push = (message: T): void => {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#waiting.length = 0
      return this.#options.onOverflow()
    }
    this.#waiting.push(message)
    if (!this.#busy) void this.#drain()
  }

  /** Forgets what waits: it came over a connection that is no more. */
  clear(): void {
    this.#waiting.length = 0
  }

  async #drain(): Promise<void> {
    this.#busy = true
    for (
      let message = this.#waiting.shift();
      message !== undefined;
      message = this.#waiting.shift()
    ) {
      try {
        await this.#options.handle(message)
      } catch (thrown) {
        this.#options.onError(thrown, message)
      }
    }
    this.#busy = false
  }
}
