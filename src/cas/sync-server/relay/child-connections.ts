import type { JobNode } from '../../../core/wire/control.ts'
import type { DataConnection } from '../../../platform/data-connection.ts'

/** How long a connection waits for the next stream: less than the other side bears with it. */
const IDLE_MS = 300_000
/** More are not passed on to at once; each costs memory. */
const KEPT_MAX = 256

/**
 * Connections to children whose stream has ended, kept for the next one: a small change is not to wait for a handshake.
 * All were made by the same configuration; with another one, there are others.
 */
export class ChildConnections {
  readonly #kept = new Map<string, DataConnection>()
  #isClosed = false

  /** Gives a connection by which this hop may go, if there is one. It may have died unnoticed. */
  take(node: JobNode): DataConnection | null {
    const key = keyOf(node)
    const connection = this.#kept.get(key) ?? null
    this.#kept.delete(key)
    return connection?.isOpen === true ? connection : null
  }

  /** Takes back a connection on which nothing is under way; whoever had it is told nothing more of it. */
  keep(node: JobNode, connection: DataConnection): void {
    const key = keyOf(node)
    const isOneTooMany = this.#isClosed || this.#kept.has(key) || this.#kept.size >= KEPT_MAX
    if (!isOneTooMany) this.#kept.set(key, connection)
    connection.handle({
      // Nothing is due between two streams.
      frame: () => connection.close(),
      closed: () => {
        if (this.#kept.get(key) === connection) this.#kept.delete(key)
      },
    })
    if (isOneTooMany) return connection.close()
    connection.limit(null)
    connection.watchHost(false)
    connection.expectWithin(IDLE_MS)
  }

  /** Closes them all, and what is still to come back: they were made by what does not hold any more. */
  close(): void {
    this.#isClosed = true
    for (const connection of this.#kept.values()) connection.close()
    this.#kept.clear()
  }
}

function keyOf({ serverId, hop }: JobNode): string {
  return `${hop.tls ? 'TLS' : 'plain'} ${serverId}`
}
