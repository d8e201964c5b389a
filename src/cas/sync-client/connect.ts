import { AppError, toAppError } from '../../core/base/errors.ts'
import type { Address } from '../../core/wire/control.ts'
import { type DialOptions, dial } from '../../platform/data-dial.ts'
import type { Logger } from '../../platform/log.ts'
import type { TlsIdentity } from '../../platform/tls-identity.ts'
import { Conversation, greet } from './conversation.ts'

export interface ConnectOptions {
  readonly serverId: string
  /** Best first. */
  readonly addresses: readonly Address[]
  readonly identity: TlsIdentity
  /** For a hop without TLS. */
  readonly plain?: DialOptions['plain']
  /** How long nothing may move while both sides greet each other. */
  readonly patienceMs: number
  readonly signal: AbortSignal
  readonly log: Logger
}

/** Connects to the first address of a server that works, and says hello; throws what the last one failed with. */
export async function connectTo(options: ConnectOptions): Promise<Conversation> {
  const { serverId, identity, plain, signal } = options
  let last = new AppError('PEER_UNREACHABLE', `server "${serverId}" has no known address`)
  for (const { host, port } of options.addresses) {
    if (signal.aborted) break
    try {
      const connection = await dial({ host, port, serverId, identity, plain, signal })
      const conversation = new Conversation(connection)
      connection.expectWithin(options.patienceMs)
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
