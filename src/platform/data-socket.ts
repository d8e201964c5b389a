import type { Socket, SocketHandler } from 'bun'

import type { ErrorCode } from '../core/base/errors.ts'
import { DataConnection } from './data-connection.ts'
import { agentIdOf } from './tls-identity.ts'

/** How long a handshake may take, on both sides. */
const HANDSHAKE_MS = 10_000

/** A connection, or why there is none. */
export type Handshake = DataConnection | { readonly code: ErrorCode; readonly message: string }

/** What one socket is: not anybody's before its handshake, a connection after it. */
export interface SocketState {
  connection: DataConnection | null
  /** Acts on its first call only. */
  readonly settle: (handshake: Handshake) => void
  /** Whom this side meant to reach; null on the side that listens. */
  readonly expectedId: string | null
  /** The other host answers. */
  readonly opened: () => void
  timer: ReturnType<typeof setTimeout> | null
}

export function socketState(
  expectedId: string | null,
  onSettled: (handshake: Handshake) => void,
  opened: () => void = () => undefined,
): SocketState {
  let isSettled = false
  const settle = (handshake: Handshake): void => {
    if (isSettled) return
    isSettled = true
    onSettled(handshake)
  }
  return { connection: null, settle, expectedId, opened, timer: null }
}

/**
 * The handlers of both sides. `open` comes before the handshake, when nobody is anybody yet; and a handshake counts
 * only where there is no error *and* the certificate was authorized, because with a foreign authority `success` is true.
 */
export const dataSocketHandlers: SocketHandler<SocketState> = {
  open: startTimer,
  handshake(socket, _success, error) {
    if (error !== null && isLost(error)) return refuse(socket, error.message, 'PEER_UNREACHABLE')
    if (error !== null || !socket.authorized)
      return refuse(socket, error?.message ?? 'its certificate was not accepted')
    if (socket.getTLSVersion() !== 'TLSv1.3')
      return refuse(socket, `it speaks ${socket.getTLSVersion()}`)
    const peerId = agentIdOf(socket.getPeerCertificate())
    const { expectedId } = socket.data
    if (peerId === null) return refuse(socket, 'its certificate names no agent')
    if (expectedId !== null && peerId !== expectedId)
      return refuse(socket, `its certificate names "${peerId}", not "${expectedId}"`)
    stopTimer(socket)
    const connection = new DataConnection(socket, peerId, null)
    socket.data.connection = connection
    socket.data.settle(connection)
  },
  data: (socket, bytes) => socket.data.connection?.received(bytes),
  drain: (socket) => socket.data.connection?.drained(),
  close(socket, error) {
    stopTimer(socket)
    if (socket.data.connection === null)
      socket.data.settle({
        code: 'PEER_UNREACHABLE',
        message: error?.message ?? 'closed before the handshake',
      })
    else socket.data.connection.socketClosed(error)
  },
  error(socket, error) {
    if (socket.data.connection === null) refuse(socket, error.message)
    else socket.data.connection.socketClosed(error)
  },
}

/** A peer that was killed or cut off in mid-handshake said nothing of whom it is; another attempt may reach it. */
function isLost(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

/** Gives a handshake its time. */
export function startTimer(socket: Socket<SocketState>): void {
  socket.data.opened()
  socket.data.timer = setTimeout(
    () => refuse(socket, 'no handshake in time', 'PEER_UNREACHABLE'),
    HANDSHAKE_MS,
  )
}

/** Ends a socket that is nobody's, and says why. */
export function refuse(
  socket: Socket<SocketState>,
  why: string,
  code: ErrorCode = 'PEER_UNTRUSTED',
): void {
  stopTimer(socket)
  socket.data.settle({ code, message: why })
  socket.terminate()
}

/** The handshake is over, or is not waited for any more. */
export function stopTimer(socket: Socket<SocketState>): void {
  if (socket.data.timer !== null) clearTimeout(socket.data.timer)
  socket.data.timer = null
}
