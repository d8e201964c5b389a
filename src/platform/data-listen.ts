import type { TCPSocketListener } from 'bun'

import { AppError } from '../core/base/errors.ts'
import { DataConnection } from './data-connection.ts'
import { type SocketState, dataSocketHandlers, socketState } from './data-socket.ts'
import { listenForBoth } from './listen-both.ts'
import type { PlainServer } from './plain-handshake.ts'
import type { TlsIdentity } from './tls-identity.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly identity: TlsIdentity
  /** Who may come without TLS; null for nobody. */
  readonly plain?: PlainServer | null
  /** Gets every agent that proved itself; must set its handlers in the same turn. */
  accepted(connection: DataConnection): void
  /** Told who was turned away before it was anybody, and why. */
  refused(reason: string, remoteAddress: string): void
}

export interface DataListener {
  readonly port: number
  /** Takes no more connections; those that are there go on. */
  stop(): void
}

/**
 * Listens for other agents with mutual TLS, and for those that may come without. Throws PORT_IN_USE or NO_PERMISSION.
 */
export function listen(options: ListenOptions): DataListener {
  const { host, port } = options
  try {
    const listener = options.plain ? listenWithPlain(options, options.plain) : listenForTls(options)
    return { port: listener.port, stop: () => listener.stop(false) }
  } catch (cause) {
    throw listenError(cause, `${host}:${port}`)
  }
}

/** What the listening side of every TLS connection asks for. */
function serverTls({ key, certificate, authority }: TlsIdentity) {
  return { key, cert: certificate, ca: authority, requestCert: true, rejectUnauthorized: true }
}

/** A socket's state until it is somebody's, which is then told. */
function incoming(options: ListenOptions, remoteAddress: string): SocketState {
  return socketState(null, (outcome) => {
    if (outcome instanceof DataConnection) options.accepted(outcome)
    else options.refused(outcome.message, remoteAddress)
  })
}

function listenForTls(options: ListenOptions): TCPSocketListener<SocketState> {
  return Bun.listen<SocketState>({
    hostname: options.host,
    port: options.port,
    exclusive: true,
    tls: serverTls(options.identity),
    socket: {
      ...dataSocketHandlers,
      open(socket) {
        socket.data = incoming(options, socket.remoteAddress)
        return dataSocketHandlers.open?.(socket)
      },
    },
  })
}

function listenWithPlain(
  options: ListenOptions,
  plain: PlainServer,
): Pick<TCPSocketListener, 'port' | 'stop'> {
  return listenForBoth({
    host: options.host,
    port: options.port,
    tls: serverTls(options.identity),
    plain,
    stateOf: (remoteAddress) => incoming(options, remoteAddress),
  })
}

function listenError(cause: unknown, address: string): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const message = `cannot listen on ${address}: ${cause instanceof Error ? cause.message : code}`
  if (code === 'EADDRINUSE')
    return new AppError('PORT_IN_USE', `cannot listen on ${address}: the port is in use`, { cause })
  return new AppError(code === 'EACCES' ? 'NO_PERMISSION' : 'LISTEN_REFUSED', message, { cause })
}
