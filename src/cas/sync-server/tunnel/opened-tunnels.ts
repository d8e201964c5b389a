import { toAppError } from '../../../core/base/errors.ts'
import { TUNNELS_PER_PEER_MAX } from '../../../core/base/limits.ts'
import type { HostPort } from '../../../platform/cli-options.ts'
import type { DataConnection } from '../../../platform/data-connection.ts'
import { type LocalSocket, connectLocally } from '../../../platform/local-socket.ts'
import type { Logger } from '../../../platform/log.ts'
import { type Splice, splice } from './splice.ts'

/** The tunnels that one peer asked this server for: each leads to the Sync Server of this host. */
export class OpenedTunnels {
  readonly #own: HostPort
  readonly #log: Logger
  readonly #tunnels = new Set<Splice>()
  #openingCount = 0
  #isStopped = false

  constructor(own: HostPort, log: Logger) {
    this.#own = own
    this.#log = log
  }

  /** Opens one by a new connection to the peer; where that fails, the peer asks again. Never rejects. */
  async open(connect: () => Promise<DataConnection | null>, token: string): Promise<void> {
    // The peer keeps to this bound itself; another one gets no more from here.
    if (this.#tunnels.size + this.#openingCount >= TUNNELS_PER_PEER_MAX) return
    this.#openingCount++
    try {
      const local = await connectLocally(this.#own)
      const tunnel = await connect()
      if (tunnel === null || this.#isStopped) {
        local.abort()
        tunnel?.close()
      } else this.#splice(local, tunnel, token)
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      this.#log.warn('a tunnel could not be opened', { code, message })
    } finally {
      this.#openingCount--
    }
  }

  stop(): void {
    this.#isStopped = true
    for (const tunnel of this.#tunnels) tunnel.close(null)
  }

  #splice(local: LocalSocket, tunnel: DataConnection, token: string): void {
    tunnel.send({ type: 'tunnel', token })
    const spliced = splice(local, tunnel, () => this.#tunnels.delete(spliced))
    this.#tunnels.add(spliced)
  }
}
