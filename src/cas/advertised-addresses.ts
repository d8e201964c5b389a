import type { Address } from '../core/wire/control.ts'
import { type HostPort, parseHostPort } from '../platform/cli-options.ts'

const ADDRESSES_MAX = 16
const SCOPES = ['group', 'region', 'international']

/**
 * Takes `[SCOPE=]HOST:PORT` apart, where a scope is group, region or international; null where it is not of that form.
 */
export function parseAdvertised(text: string): Address | null {
  const cut = text.indexOf('=')
  const scope = cut === -1 ? null : text.slice(0, cut)
  const place = parseHostPort(text.slice(cut + 1))
  if (place === null || place.port === 0) return null
  return scope !== null && !SCOPES.includes(scope) ? null : { scope, ...place }
}

export interface KnownAddresses {
  /** What `--advertise` names. */
  readonly advertised: readonly Address[]
  /** Where the Sync Server listens, with the port it really has. */
  readonly listen: HostPort
  /** This host's address on the way to the master, or null. */
  readonly towardsMaster: string | null
  /** Of the interfaces, loopback last. */
  readonly ofInterfaces: readonly string[]
}

/**
 * Where the Sync Server is reached, best first, as the master and the peers are told: what was advertised; else the
 * address it listens on; else, for "any address", the one used towards the master and those of the interfaces.
 */
export function reachableAddresses(known: KnownAddresses): Address[] {
  if (known.advertised.length > 0) return known.advertised.slice(0, ADDRESSES_MAX)
  const { host, port } = known.listen
  const isAny = host === '0.0.0.0' || host === '::'
  if (!isAny) return [{ scope: null, host, port }]
  const first = known.towardsMaster === null ? [] : [known.towardsMaster]
  // "0.0.0.0" takes no connections over IPv6.
  const fitting = known.ofInterfaces.filter((each) => host === '::' || !each.includes(':'))
  const hosts = [...new Set([...first, ...fitting])].slice(0, ADDRESSES_MAX)
  return hosts.map((each) => ({ scope: null, host: each, port }))
}
