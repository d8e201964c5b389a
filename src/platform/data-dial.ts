import { AppError } from '../core/base/errors.ts'
import { agentServerName } from '../core/wire/enrolment.ts'
import { DataConnection } from './data-connection.ts'
import { type Handshake, type SocketState, dataSocketHandlers, socketState } from './data-socket.ts'
import type { TlsIdentity } from './tls-identity.ts'

const CONNECT_MS = 10_000

export interface DialOptions {
  readonly host: string
  readonly port: number
  /** Only this agent is accepted there. */
  readonly serverId: string
  readonly identity: TlsIdentity
  /** Gives the attempt up. */
  readonly signal?: AbortSignal
}

/**
 * Connects to another agent with mutual TLS. Throws PEER_UNREACHABLE, PEER_UNTRUSTED or CANCELLED. In TLS 1.3 this side is done
 * before the other has judged its certificate: only the first frame from there says that it was accepted.
 */
export async function dial(options: DialOptions): Promise<DataConnection> {
  const { host, port, serverId } = options
  const { promise, resolve } = Promise.withResolvers<Handshake>()
  let isWaiting = true
  const settle = (handshake: Handshake): void => {
    // An answer after the time was up: nobody would ever use or close that connection.
    if (!isWaiting && handshake instanceof DataConnection) handshake.close()
    isWaiting = false
    resolve(handshake)
  }
  const fail = (message: string): void => settle({ code: 'PEER_UNREACHABLE', message })
  const cancel = (): void => settle({ code: 'CANCELLED', message: 'cancelled' })
  options.signal?.addEventListener('abort', cancel, { once: true })
  const timer = setTimeout(() => fail(`no answer in ${CONNECT_MS} ms`), CONNECT_MS)
  connect(options, socketState(serverId, settle)).catch((cause: unknown) =>
    fail(cause instanceof Error ? cause.message : String(cause)),
  )
  const outcome = await promise
  clearTimeout(timer)
  options.signal?.removeEventListener('abort', cancel)
  if (outcome instanceof DataConnection) return outcome
  const message = `cannot connect to server "${serverId}" at ${host}:${port}: ${outcome.message}`
  throw new AppError(outcome.code, message)
}

async function connect(options: DialOptions, state: SocketState): Promise<void> {
  const { key, certificate, authority } = options.identity
  const serverName = agentServerName(options.serverId)
  await Bun.connect<SocketState>({
    hostname: options.host,
    port: options.port,
    data: state,
    tls: { key, cert: certificate, ca: authority, serverName, rejectUnauthorized: true },
    socket: dataSocketHandlers,
  })
}
