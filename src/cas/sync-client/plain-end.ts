import { AppError } from '../../core/base/errors.ts'
import type { DialOptions } from '../../platform/data-dial.ts'

/** Who this server is, and the keys it has with others. */
export interface HopKeys {
  readonly serverId: string
  /** The key of plain hops to a server, base64; null where there may be none. */
  hopKeyOf(serverId: string): string | null
}

/** What this end of a connection without TLS needs; HOP_KEY_MISSING. Undefined for one with TLS. */
export function plainEnd(
  keys: HopKeys,
  peer: { readonly serverId: string; readonly isPlain: boolean },
): DialOptions['plain'] {
  if (!peer.isPlain) return undefined
  const key = keys.hopKeyOf(peer.serverId)
  if (key === null) {
    const message = `cannot reach server "${peer.serverId}" without TLS: no key`
    throw new AppError('HOP_KEY_MISSING', message)
  }
  return { ownId: keys.serverId, hopKey: Buffer.from(key, 'base64') }
}
