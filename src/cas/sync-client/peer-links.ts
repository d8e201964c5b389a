import type { JobNode } from '../../core/wire/control.ts'
import type { LinkOptions } from './options.ts'
import { PeerLink } from './peer-link.ts'
import { Slots } from './slots.ts'

/** Targets that are sent to at once: each takes a few MiB. */
const ACTIVE_MAX = 256

/** The ways to all servers that were sent to, each kept for the next job. */
export class PeerLinks {
  readonly #options: LinkOptions
  readonly #slots = new Slots(ACTIVE_MAX)
  readonly #links = new Map<string, PeerLink>()

  constructor(options: LinkOptions) {
    this.#options = options
  }

  to({ serverId, hop }: JobNode): PeerLink {
    const name = `${hop.tls ? 'TLS' : 'plain'} ${serverId}`
    const peer = { serverId, isPlain: !hop.tls }
    const link = this.#links.get(name) ?? new PeerLink(peer, this.#options, this.#slots)
    this.#links.set(name, link)
    return link
  }

  /** Closes those to such servers. */
  close(matches: (serverId: string) => boolean = () => true): void {
    for (const [name, link] of this.#links) {
      if (!matches(link.serverId)) continue
      link.close()
      this.#links.delete(name)
    }
  }
}
