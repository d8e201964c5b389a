import { z } from 'zod'

import { AGENT_TOKEN } from '../../core/wire/agent-token.ts'
import { type AgentMessage, type MasterMessage, masterMessage } from '../../core/wire/control.ts'
import { MASTER_SERVER_NAME } from '../../core/wire/enrolment.ts'

/** How one connection is kept and when it is given up. */
export interface SessionTimes {
  /** From dialling to an open WebSocket. */
  readonly openTimeoutMs: number
  readonly pingEveryMs: number
  /** Silence after which the other side counts as gone: no message and no answer to a ping. */
  readonly silenceMs: number
}

export const SESSION_TIMES: SessionTimes = {
  openTimeoutMs: 10_000,
  pingEveryMs: 10_000,
  silenceMs: 25_000,
}

/** A configuration of 100,000 bindings fits; what is larger is no message of a master. */
const MESSAGE_CHARACTERS_MAX = 128 << 20
/** Beyond so much unsent text the outbox keeps the rest. */
const UNSENT_BYTES_MAX = 4 << 20

export interface SessionOptions {
  /** The master's URL as enrolled, `https://host:port`. */
  readonly master: URL
  readonly token: string
  /** PEM of the only authority whose certificate is believed. */
  readonly authorityPem: string
  readonly times: SessionTimes
  readonly onMessage: (message: MasterMessage) => void
  /** Gives up dialling; an open connection is closed by `close`. */
  readonly signal: AbortSignal
}

/** One open connection to a master. */
export interface Session {
  /** False where the socket is closed or holds so much unsent text that more should wait. */
  writable(): boolean
  send(message: AgentMessage): void
  close(reason: string): void
  /** Resolves with why it ended; never rejects. */
  readonly ended: Promise<string>
}

/** Opens a WebSocket to a master whose certificate proves it; rejects with an Error that says why it could not. */
export function openSession(options: SessionOptions): Promise<Session> {
  const address = new URL(AGENT_TOKEN.path, options.master)
  address.protocol = 'wss:'
  const socket = new WebSocket(address, {
    headers: { authorization: `Bearer ${options.token}` },
    // The host dialled is any name or address; who answers must be the master by certificate.
    tls: { ca: options.authorityPem, serverName: MASTER_SERVER_NAME, rejectUnauthorized: true },
  })
  return new Promise((resolve, reject) => {
    const giveUp = (why: string): void => {
      socket.terminate()
      reject(new Error(why))
    }
    const { openTimeoutMs } = options.times
    const timer = setTimeout(
      () => giveUp(`no answer within ${openTimeoutMs / 1000} s`),
      openTimeoutMs,
    )
    const stop = (): void => giveUp('stopping')
    options.signal.addEventListener('abort', stop, { once: true })
    const settle = (): void => {
      clearTimeout(timer)
      options.signal.removeEventListener('abort', stop)
    }
    socket.addEventListener('open', () => {
      settle()
      resolve(runSession(socket, options))
    })
    socket.addEventListener('error', (event) => {
      settle()
      reject(new Error('message' in event ? String(event.message) : 'the connection failed'))
    })
  })
}

function runSession(socket: WebSocket, options: SessionOptions): Session {
  const { times } = options
  const end = Promise.withResolvers<string>()
  let heardAt = performance.now()
  const heard = (): void => {
    heardAt = performance.now()
  }
  const keepAlive = setInterval(() => {
    if (performance.now() - heardAt > times.silenceMs) return finish('the master fell silent')
    socket.ping()
  }, times.pingEveryMs)
  const finish = (why: string): void => {
    clearInterval(keepAlive)
    end.resolve(why)
    // A close handshake with a peer that may be gone could wait for ever.
    socket.terminate()
  }
  socket.addEventListener('pong', heard)
  socket.addEventListener('ping', heard)
  socket.addEventListener('close', (event) =>
    finish(event.reason === '' ? `the connection was closed (${event.code})` : event.reason),
  )
  socket.addEventListener('error', () => finish('the connection broke'))
  socket.addEventListener('message', (event) => {
    heard()
    const parsed = parseMessage(event.data)
    if (parsed.kind === 'message') options.onMessage(parsed.message)
    else if (parsed.kind === 'faulty') finish(parsed.why)
  })
  return {
    ended: end.promise,
    close(reason) {
      socket.close(1000, reason)
      // The close frame is on its way; the answer is waited for only briefly.
      setTimeout(() => finish(reason), 200)
    },
    writable: () =>
      socket.readyState === WebSocket.OPEN && socket.bufferedAmount <= UNSENT_BYTES_MAX,
    send: (message) => socket.send(JSON.stringify(message)),
  }
}

type Parsed =
  | { readonly kind: 'message'; readonly message: MasterMessage }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'faulty'; readonly why: string }

const KNOWN_TYPES: ReadonlySet<string> = new Set(
  masterMessage.options.map((option) => option.shape.type.value),
)
const typed = z.object({ type: z.string() })

/** Parses what a master sent: types that a newer master knows are ignored, faults in known ones are not. */
function parseMessage(data: unknown): Parsed {
  if (typeof data !== 'string' || data.length > MESSAGE_CHARACTERS_MAX)
    return { kind: 'faulty', why: 'the master sent no text, or too much of it' }
  const json = parseJson(data)
  const head = typed.safeParse(json)
  if (!head.success) return { kind: 'faulty', why: 'the master sent no JSON with a type' }
  if (!KNOWN_TYPES.has(head.data.type)) return { kind: 'unknown' }
  const whole = masterMessage.safeParse(json)
  if (whole.success) return { kind: 'message', message: whole.data }
  const issue = whole.error.issues[0]
  const where = issue?.path.join('.') ?? ''
  return {
    kind: 'faulty',
    why: `the master sent a faulty ${head.data.type}: ${where} ${issue?.message ?? ''}`,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is one of the faults that the caller names.
    return undefined
  }
}
