import { REGISTRATIONS_MAX, TUNNELS_MAX } from '../../../core/base/limits.ts'
import type { Failure } from '../../../core/base/result.ts'
import type { DataConnection } from '../../../platform/data-connection.ts'
import type { Logger } from '../../../platform/log.ts'
import { Registration } from './registration.ts'
import { TUNNEL_TIMES, type TunnelTimes } from './times.ts'

export interface RegistrationsOptions {
  /** True of the servers in the routing table. */
  readonly knows: (serverId: string) => boolean
  /** The ways are others now. */
  readonly changed: () => void
  readonly log: Logger
  readonly times?: TunnelTimes
}

/** The servers that can only dial out and have done so here: each is reached at a port of this host's own. */
export class Registrations {
  readonly #options: RegistrationsOptions
  /** By server; one that was replaced or lost stays in `#past` while tunnels of it are there. */
  readonly #current = new Map<string, Registration>()
  readonly #past = new Map<Registration, string>()

  constructor(options: RegistrationsOptions) {
    this.#options = options
  }

  /** The port on this host by which each server is reached. */
  get ways(): ReadonlyMap<string, number> {
    return new Map([...this.#current].map(([serverId, { port }]) => [serverId, port]))
  }

  /** Takes a connection over by which a server wants to be reached. The last one counts: it knows of no other. */
  register(connection: DataConnection): void {
    const { peerId } = connection
    const refusal = this.#refusal(connection)
    if (refusal !== null) return this.#refuse(connection, refusal)
    const before = this.#current.get(peerId)
    const registration: Registration = new Registration(connection, {
      times: this.#options.times ?? TUNNEL_TIMES,
      mayOpen: () => this.#tunnelCount < TUNNELS_MAX,
      lost: () => this.#lost(peerId, registration),
    })
    this.#current.set(peerId, registration)
    before?.close({ code: 'IN_USE', message: 'a newer registration replaced this one' })
    this.#options.log.info('a server that dials out is reached here', { peerId })
    this.#options.changed()
  }

  /** Takes a connection over that is to be a tunnel; only the server that was asked for it may bring it, once. */
  pair(connection: DataConnection, token: string): void {
    const { isPlain, peerId } = connection
    if (!isPlain && this.#current.get(peerId)?.pair(connection, token)) return
    this.#refuse(connection, { code: 'PEER_UNTRUSTED', message: 'this tunnel was not asked for' })
  }

  /** Ends what servers have here that are no peers any more. */
  retainPeers(): void {
    for (const [registration, serverId] of this.#all()) {
      if (this.#options.knows(serverId)) continue
      const message = `"${serverId}" is no peer any more`
      registration.closeAll({ code: 'PEER_UNTRUSTED', message })
    }
  }

  stop(reason: Failure): void {
    for (const [registration] of this.#all()) registration.closeAll(reason)
  }

  #all(): [Registration, string][] {
    this.#forgetEmpty()
    const current = [...this.#current].map(([id, each]): [Registration, string] => [each, id])
    return [...current, ...this.#past]
  }

  get #tunnelCount(): number {
    return this.#all().reduce((count, [{ tunnelCount }]) => count + tunnelCount, 0)
  }

  #refusal({ peerId, isPlain }: DataConnection): Failure | null {
    const { knows } = this.#options
    if (!knows(peerId)) return { code: 'PEER_UNTRUSTED', message: `"${peerId}" is no peer here` }
    if (isPlain) return { code: 'PROTOCOL', message: 'a server registers with TLS alone' }
    const isFull = this.#current.size >= REGISTRATIONS_MAX && !this.#current.has(peerId)
    return isFull ? { code: 'BINDING_BUSY', message: 'too many registrations' } : null
  }

  #refuse(connection: DataConnection, reason: Failure): void {
    const { peerId } = connection
    this.#options.log.warn('a tunnel was refused', { peerId, ...reason })
    // Whatever it sends after that is nobody's any more.
    connection.handle({ frame: () => undefined, closed: () => undefined })
    connection.close(reason)
  }

  #lost(serverId: string, registration: Registration): void {
    this.#past.set(registration, serverId)
    this.#forgetEmpty()
    // One that a newer one replaced takes no way with it.
    if (this.#current.get(serverId) !== registration) return
    this.#current.delete(serverId)
    this.#options.log.info('a server that dials out is not reached any more', { peerId: serverId })
    this.#options.changed()
  }

  #forgetEmpty(): void {
    for (const registration of this.#past.keys())
      if (registration.tunnelCount === 0) this.#past.delete(registration)
  }
}
