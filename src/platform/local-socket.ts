import type { Socket, SocketHandler } from 'bun'

import { AppError } from '../core/base/errors.ts'
import type { HostPort } from './cli-options.ts'
import { WriteQueue } from './write-queue.ts'

const LOOPBACK = '127.0.0.1'
/** Both ends are on this host. */
const CONNECT_MS = 5000
/** How long the last bytes may take to leave. */
const GOODBYE_MS = 30_000

export interface LocalHandlers {
  /** Gets what came; the bytes are valid until it returns. */
  bytes(bytes: Uint8Array): void
  /** Everything that was written is with the kernel. */
  drained(): void
  /** Called once, when the other end has closed it. */
  closed(): void
}

/** A connection between two programs of this host: bytes both ways, whatever they mean. Nothing comes before `handle`. */
export class LocalSocket {
  readonly #socket: Socket<State>
  readonly #queue = new WriteQueue()
  #handlers: LocalHandlers | null = null
  #state: 'open' | 'ending' | 'closed' = 'open'

  constructor(socket: Socket<State>) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.pause()
  }

  handle(handlers: LocalHandlers): void {
    this.#handlers = handlers
    if (this.#state === 'closed') return handlers.closed()
    this.#socket.resume()
  }

  /** What was written and does not fit into the socket at the moment. */
  get queuedBytes(): number {
    return this.#queue.queuedBytes
  }

  /** Sends bytes, which may change after the call. */
  write(bytes: Uint8Array): void {
    if (this.#state !== 'open') return
    this.#queue.lend(bytes)
    this.#queue.flush(this.#socket)
    this.#queue.keep()
  }

  /** Stops reading, or goes on. */
  pause(isPaused: boolean): void {
    if (this.#state === 'closed') return
    if (isPaused) this.#socket.pause()
    else this.#socket.resume()
  }

  /** Closes it once everything that was written has left. */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    setTimeout(() => this.abort(), GOODBYE_MS).unref()
    this.#endWhenEmpty()
  }

  /** Closes it at once. */
  abort(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#queue.clear()
    this.#socket.terminate()
  }

  /** For the owner of the socket. */
  received(bytes: Uint8Array): void {
    if (this.#state === 'open') this.#handlers?.bytes(bytes)
  }

  /** For the owner of the socket. */
  drained(): void {
    this.#queue.flush(this.#socket)
    if (this.#state === 'ending') return this.#endWhenEmpty()
    if (this.#queue.queuedBytes === 0) this.#handlers?.drained()
  }

  /** For the owner of the socket. */
  socketClosed(): void {
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    this.#queue.clear()
    if (wasOpen) this.#handlers?.closed()
  }

  #endWhenEmpty(): void {
    if (this.#queue.queuedBytes > 0) return
    this.#state = 'closed'
    this.#socket.end()
  }
}

interface State {
  local: LocalSocket | null
}

const handlers: SocketHandler<State> = {
  data: (socket, bytes) => socket.data.local?.received(bytes),
  drain: (socket) => socket.data.local?.drained(),
  close: (socket) => socket.data.local?.socketClosed(),
  error: (socket) => socket.data.local?.socketClosed(),
}

export interface LocalListener {
  readonly port: number
  /** Takes no more connections; those that are there go on. */
  stop(): void
}

/** Listens at a free port for programs of this host alone. */
export function listenLocally(accepted: (local: LocalSocket) => void): LocalListener {
  const listener = Bun.listen<State>({
    hostname: LOOPBACK,
    port: 0,
    socket: {
      ...handlers,
      open(socket) {
        const local = new LocalSocket(socket)
        socket.data = { local }
        accepted(local)
      },
    },
  })
  return { port: listener.port, stop: () => listener.stop(false) }
}

/** Connects to a program of this host; PEER_UNREACHABLE. */
export async function connectLocally({ host, port }: HostPort): Promise<LocalSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<LocalSocket>()
  const fail = (message: string): void =>
    reject(new AppError('PEER_UNREACHABLE', `cannot connect to ${host}:${port}: ${message}`))
  const timer = setTimeout(() => fail(`no answer in ${CONNECT_MS} ms`), CONNECT_MS)
  Bun.connect<State>({
    hostname: host,
    port,
    data: { local: null },
    socket: {
      ...handlers,
      open(socket) {
        const local = new LocalSocket(socket)
        socket.data.local = local
        resolve(local)
      },
    },
  }).catch((cause: unknown) => fail(cause instanceof Error ? cause.message : String(cause)))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
