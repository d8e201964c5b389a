import type { Socket, SocketHandler } from 'bun'

import { DataConnection } from './data-connection.ts'
import { type SocketState, refuse, stopTimer } from './data-socket.ts'
import type { PlainHandshake, SendBytes } from './plain-handshake.ts'

/** A socket on its way to a plain connection. */
export interface PlainState extends SocketState {
  handshake: PlainHandshake | null
}

/** Gives what a handshake sends with; its few bytes always fit into a new socket, or the socket is none. */
export function sendBy(socket: Socket<PlainState>): SendBytes {
  return (bytes) => {
    if (socket.write(bytes) !== bytes.length) refuse(socket, 'it does not take the first bytes')
  }
}

/** The handlers of both sides after the opening; whoever opens sets the handshake first. */
export const plainSocketHandlers: SocketHandler<PlainState> = {
  data(socket, bytes) {
    const { connection } = socket.data
    if (connection !== null) return connection.received(bytes)
    const step = socket.data.handshake?.receive(bytes) ?? { kind: 'more' }
    if (step.kind === 'refused') return refuse(socket, step.why)
    if (step.kind === 'more') return
    stopTimer(socket)
    const proven = new DataConnection(socket, step.peerId, step.seals)
    socket.data.connection = proven
    socket.data.settle(proven)
    if (step.rest.length > 0) proven.received(step.rest)
  },
  drain: (socket) => socket.data.connection?.drained(),
  close(socket, error) {
    stopTimer(socket)
    const message = error?.message ?? 'closed before the handshake'
    if (socket.data.connection === null) socket.data.settle({ code: 'PEER_UNREACHABLE', message })
    else socket.data.connection.socketClosed(error)
  },
  error(socket, error) {
    if (socket.data.connection === null) refuse(socket, error.message)
    else socket.data.connection.socketClosed(error)
  },
}
