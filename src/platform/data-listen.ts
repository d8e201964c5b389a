import { AppError } from '../core/base/errors.ts'
import { DataConnection } from './data-connection.ts'
import { type SocketState, dataSocketHandlers, socketState } from './data-socket.ts'
import type { TlsIdentity } from './tls-identity.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly identity: TlsIdentity
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

/** Listens for other agents with mutual TLS. Throws PORT_IN_USE or NO_PERMISSION. */
export function listen(options: ListenOptions): DataListener {
  const { host, port, identity } = options
  const { key, certificate, authority } = identity
  try {
    const listener = Bun.listen<SocketState>({
      hostname: host,
      port,
      exclusive: true,
      tls: { key, cert: certificate, ca: authority, requestCert: true, rejectUnauthorized: true },
      socket: {
        ...dataSocketHandlers,
        open(socket) {
          const { remoteAddress } = socket
          socket.data = socketState(null, (outcome) => {
            if (outcome instanceof DataConnection) options.accepted(outcome)
            else options.refused(outcome.message, remoteAddress)
          })
          return dataSocketHandlers.open?.(socket)
        },
      },
    })
    return { port: listener.port, stop: () => listener.stop(false) }
  } catch (cause) {
    throw listenError(cause, `${host}:${port}`)
  }
}

function listenError(cause: unknown, address: string): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const message = `cannot listen on ${address}: ${cause instanceof Error ? cause.message : code}`
  if (code === 'EADDRINUSE')
    return new AppError('PORT_IN_USE', `cannot listen on ${address}: the port is in use`, { cause })
  return new AppError(code === 'EACCES' ? 'NO_PERMISSION' : 'LISTEN_REFUSED', message, { cause })
}
