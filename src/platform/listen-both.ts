import type { Socket, SocketHandler, TCPSocketListener, TLSOptions, TLSUpgradeOptions } from 'bun'

import { PLAIN_FIRST_BYTE } from '../core/wire/plain-opening.ts'
import {
  type SocketState,
  dataSocketHandlers,
  refuse,
  startTimer,
  stopTimer,
} from './data-socket.ts'
import { addressOf, linux } from './libc.ts'
import { MSG_DONTWAIT, MSG_PEEK } from './linux-numbers.ts'
import { type PlainServer, serverHandshake } from './plain-handshake.ts'
import { type PlainState, plainSocketHandlers, sendBy } from './plain-socket.ts'

export interface BothOptions {
  readonly host: string
  readonly port: number
  readonly tls: TLSOptions
  readonly plain: PlainServer
  /** Makes the state of a socket that came. */
  stateOf(remoteAddress: string): SocketState
}

/** A socket before it is known what it is; after that it is plain, or only carries the TLS above it. */
interface BothState extends PlainState {
  carriesTls: boolean
}
/** The types of Bun 1.4.5 leave out the descriptor, which is there, and -1 when the socket is closed. */
type BothSocket = Socket<BothState> & { readonly fd: number }

/** The first byte of a TLS connection: a handshake record. */
const TLS_FIRST_BYTE = 0x16
/** How long until the first look at a socket on which nothing had come, and at most between looks. */
const LOOK_MS = 1
const LOOK_MS_MAX = 20

/**
 * Listens for TLS and for plain connections on one port: the first byte says which it is. It is only looked at, not
 * taken, because TLS must get it too. Linux alone.
 */
export function listenForBoth(options: BothOptions): TCPSocketListener<BothState> {
  const kernel = linux()
  const look = (socket: BothSocket, delayMs: number): void => {
    if (socket.fd < 0) return
    const first = peek(kernel, socket.fd)
    if (first === null) {
      setTimeout(() => look(socket, Math.min(LOOK_MS_MAX, delayMs * 2)), delayMs)
    } else if (first === TLS_FIRST_BYTE) upgrade(socket, options.tls)
    else if (first === PLAIN_FIRST_BYTE) socket.resume()
    else refuse(socket, 'it speaks neither TLS nor of plain hops')
  }
  return Bun.listen<BothState>({
    hostname: options.host,
    port: options.port,
    exclusive: true,
    socket: {
      ...untilTls,
      open(socket) {
        socket.pause()
        socket.data = {
          ...options.stateOf(socket.remoteAddress),
          handshake: serverHandshake(options.plain, sendBy(socket)),
          carriesTls: false,
        }
        startTimer(socket)
        look(socket as BothSocket, LOOK_MS)
      },
    },
  })
}

/** What happens to a socket that carries TLS concerns the one above it alone. */
const untilTls: SocketHandler<BothState> = {
  data: (socket, bytes) => handlersOf(socket).data?.(socket, bytes),
  drain: (socket) => handlersOf(socket).drain?.(socket),
  close: (socket, error) => handlersOf(socket).close?.(socket, error),
  error: (socket, error) => handlersOf(socket).error?.(socket, error),
}

function handlersOf(socket: Socket<BothState>): SocketHandler<PlainState> {
  return socket.data.carriesTls ? {} : plainSocketHandlers
}

function upgrade(socket: BothSocket, tls: TLSOptions): void {
  const { data } = socket
  data.carriesTls = true
  stopTimer(socket)
  const state: SocketState = {
    connection: null,
    settle: data.settle,
    expectedId: null,
    opened: data.opened,
    timer: null,
  }
  // Which end of the handshake this one is, the types leave out as well.
  const upgrading: TLSUpgradeOptions<SocketState> & { readonly isServer: true } = {
    data: state,
    tls,
    isServer: true,
    socket: { ...dataSocketHandlers, open: () => {} },
  }
  const [, above] = socket.upgradeTLS<SocketState>(upgrading)
  startTimer(above)
  above.resume()
}

/** The first byte that came, or null while nothing has. */
function peek(kernel: ReturnType<typeof linux>, descriptor: number): number | null {
  const room = new Uint8Array(1)
  const flags = MSG_PEEK | MSG_DONTWAIT
  const length = kernel.call(
    kernel.numbers.recvfrom,
    descriptor,
    addressOf(room),
    room.length,
    flags,
    0,
    0,
  )
  return length === 1 ? (room[0] ?? null) : null
}
