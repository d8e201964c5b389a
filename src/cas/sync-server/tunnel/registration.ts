import { randomBytes } from 'node:crypto'

import { TUNNELS_PER_PEER_MAX } from '../../../core/base/limits.ts'
import type { Failure } from '../../../core/base/result.ts'
import type { DataConnection } from '../../../platform/data-connection.ts'
import {
  type LocalListener,
  type LocalSocket,
  listenLocally,
} from '../../../platform/local-socket.ts'
import { keepAlive } from './keep-alive.ts'
import { type Splice, splice } from './splice.ts'
import type { TunnelTimes } from './times.ts'

const TOKEN_BYTES = 16

export interface RegistrationOptions {
  readonly times: TunnelTimes
  /** False while there are too many tunnels altogether. */
  readonly mayOpen: () => boolean
  /** The connection is lost, and with it the way to the server. */
  readonly lost: () => void
}

/** A local connection that waits for its tunnel. */
interface Waiting {
  readonly local: LocalSocket
  readonly timer: ReturnType<typeof setTimeout>
}

/**
 * One server that can only dial out, by the connection that it keeps open: whoever connects to `port` on this host reaches
 * its Sync Server.
 */
export class Registration {
  readonly #connection: DataConnection
  readonly #options: RegistrationOptions
  readonly #listener: LocalListener
  readonly #stopKeepingAlive: () => void
  readonly #waiting = new Map<string, Waiting>()
  readonly #tunnels = new Set<Splice>()
  #isLost = false

  constructor(connection: DataConnection, options: RegistrationOptions) {
    this.#connection = connection
    this.#options = options
    connection.handle({
      frame: ({ type }) => {
        if (type === 'error') return connection.close()
        connection.close({ code: 'PROTOCOL', message: `frame "${type}" is not due` })
      },
      closed: () => this.#lose(),
    })
    connection.expectWithin(null)
    this.#listener = listenLocally((local) => this.#ask(local))
    this.#stopKeepingAlive = keepAlive(connection, options.times)
  }

  /** On this host, where the server is reached. */
  get port(): number {
    return this.#listener.port
  }

  /** Connections under way, those that wait included. */
  get tunnelCount(): number {
    return this.#tunnels.size + this.#waiting.size
  }

  /** Takes a tunnel that was asked for with this token; false where none was, or it was taken before. */
  pair(tunnel: DataConnection, token: string): boolean {
    const waiting = this.#waiting.get(token)
    if (waiting === undefined) return false
    this.#forget(token, waiting)
    const spliced = splice(waiting.local, tunnel, () => this.#tunnels.delete(spliced))
    this.#tunnels.add(spliced)
    return true
  }

  /** Ends the way to the server; tunnels that are there go on. */
  close(reason: Failure | null): void {
    this.#connection.close(reason)
    this.#lose()
  }

  /** Ends the tunnels as well. */
  closeAll(reason: Failure): void {
    this.close(reason)
    for (const tunnel of this.#tunnels) tunnel.close(reason)
  }

  #ask(local: LocalSocket): void {
    const { mayOpen, times } = this.#options
    if (this.#isLost || this.tunnelCount >= TUNNELS_PER_PEER_MAX || !mayOpen()) return local.abort()
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const giveUp = (): void => {
      this.#waiting.delete(token)
      local.abort()
    }
    this.#waiting.set(token, { local, timer: setTimeout(giveUp, times.pairMs) })
    this.#connection.send({ type: 'dial', token })
  }

  #forget(token: string, { timer }: Waiting): void {
    clearTimeout(timer)
    this.#waiting.delete(token)
  }

  #lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#stopKeepingAlive()
    this.#listener.stop()
    for (const [token, waiting] of this.#waiting) {
      this.#forget(token, waiting)
      waiting.local.abort()
    }
    this.#options.lost()
  }
}
