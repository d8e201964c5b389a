import { AppError, toAppError } from '../../core/base/errors.ts'
import type { Address } from '../../core/wire/control.ts'
import type { Clock } from '../../platform/clock.ts'
import { type DialOptions, dial } from '../../platform/data-dial.ts'
import type { Logger } from '../../platform/log.ts'
import type { TlsIdentity } from '../../platform/tls-identity.ts'
import { Conversation, greet } from './conversation.ts'

export interface ConnectOptions {
  readonly serverId: string
  /** Where it is reached at the moment, best first; null where it is unknown. */
  readonly addresses: () => readonly Address[] | null
  /** Nobody can connect to this server itself, so that none comes back to it. */
  readonly dialsOut?: boolean
  readonly identity: TlsIdentity
  /** For a hop without TLS. */
  readonly plain?: DialOptions['plain']
  /** How long nothing may move while both sides greet each other. */
  readonly patienceMs: number
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: Logger
}

/** A server that only dials out may be about to come back: so long it is waited for, and looked after so often. */
const AWAITED_MS = 4000
const LOOK_MS = 50

/**
 * Connects to the first address of a server that works, and says hello; throws what the last one failed with. Where none
 * is known it waits a little for one.
 */
export async function connectTo(options: ConnectOptions): Promise<Conversation> {
  const { serverId, identity, plain, signal } = options
  const known = await awaitAddresses(options)
  let last = new AppError('PEER_UNREACHABLE', whyNoAddress(options))
  for (const { host, port } of known ?? []) {
    if (signal.aborted) break
    try {
      const connection = await dial({ host, port, serverId, identity, plain, signal })
      const conversation = new Conversation(connection)
      connection.expectWithin(options.patienceMs)
      connection.watchHost(true)
      await greet(conversation, signal)
      return conversation
    } catch (thrown) {
      last = toAppError(thrown)
      const { code, message } = last
      options.log.info('address does not work', { host, port, code, message })
    }
  }
  throw last
}

async function awaitAddresses({ addresses, clock, dialsOut, signal }: ConnectOptions) {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const known = addresses()
    const isOver = dialsOut === true || waitedMs >= AWAITED_MS || signal.aborted
    if (known?.length !== 0 || isOver) return known
    await clock.sleep(LOOK_MS, signal)
  }
}

function whyNoAddress({ serverId, dialsOut, addresses }: ConnectOptions): string {
  if (addresses() === null) return `server "${serverId}" has no known address`
  const why = dialsOut
    ? 'this server can only dial out as well. A target that both can dial passes on what it has'
    : 'no connection that it keeps open leads to it from here'
  return `cannot reach server "${serverId}": it tells no address, and ${why}`
}
