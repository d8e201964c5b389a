import { AppError } from '../core/base/errors.ts'
import { agentServerName } from '../core/wire/enrolment.ts'
import { DataConnection } from './data-connection.ts'
import {
  type Handshake,
  type SocketState,
  dataSocketHandlers,
  socketState,
  startTimer,
} from './data-socket.ts'
import { clientHandshake } from './plain-handshake.ts'
import { type PlainState, plainSocketHandlers, sendBy } from './plain-socket.ts'
import type { TlsIdentity } from './tls-identity.ts'

/** How long a host may take to answer at all: it is asked twice within that. The handshake has its own time. */
const ANSWER_MS = 2500

export interface DialOptions {
  readonly host: string
  readonly port: number
  /** Only this agent is accepted there. */
  readonly serverId: string
  readonly identity: TlsIdentity
  /** The hop's key and this server's own id, for a connection without TLS; else there is TLS. */
  readonly plain?: { readonly ownId: string; readonly hopKey: Uint8Array } | undefined
  /** Gives the attempt up. */
  readonly signal?: AbortSignal
}

/**
 * Connects to another agent with mutual TLS, or, with a hop key, without. Throws PEER_UNREACHABLE, PEER_UNTRUSTED or
 * CANCELLED. In TLS 1.3 this side is done before the other has judged its certificate: only the first frame from there
 * says that it was accepted.
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
  const timer = setTimeout(() => fail(`no answer in ${ANSWER_MS} ms`), ANSWER_MS)
  const start = options.plain === undefined ? connect : connectPlain
  start(
    options,
    socketState(serverId, settle, () => clearTimeout(timer)),
  ).catch((cause: unknown) => fail(cause instanceof Error ? cause.message : String(cause)))
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

async function connectPlain(options: DialOptions, state: SocketState): Promise<void> {
  const { host, port, serverId, plain } = options
  if (plain === undefined) return
  await Bun.connect<PlainState>({
    hostname: host,
    port,
    data: { ...state, handshake: null },
    socket: {
      ...plainSocketHandlers,
      open(socket) {
        startTimer(socket)
        socket.data.handshake = clientHandshake({ ...plain, serverId }, sendBy(socket))
      },
    },
  })
}
