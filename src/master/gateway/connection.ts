import { type AgentMessage, type MasterMessage, agentMessage } from '../../core/wire/control.ts'
import { PendingRequests } from './requests.ts'

/** What a WebSocket of the gateway carries with it. */
export interface SocketData {
  readonly serverId: string
  readonly name: string
  /** Why it is refused: a client does not see the body of a failed upgrade, so it is told and closed. */
  readonly refusal: { readonly code: string; readonly message: string } | null
  connection: AgentConnection | null
}

export type AgentSocket = Bun.ServerWebSocket<SocketData>

export type Parsed =
  | { readonly kind: 'message'; readonly message: AgentMessage }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'faulty'; readonly why: string }

const REFUSED_STATUS = 4000
/** How long an agent may take to answer the closing: one that does not is cut off. */
const GOODBYE_MS = 2000
const KNOWN_TYPES: ReadonlySet<string> = new Set(
  agentMessage.options.map((option) => option.shape.type.value),
)

/** One connection of an agent, from its opening on. */
export class AgentConnection {
  readonly serverId: string
  readonly name: string
  readonly requests = new PendingRequests()
  readonly #socket: AgentSocket
  #closed = false

  constructor(socket: AgentSocket) {
    this.#socket = socket
    this.serverId = socket.data.serverId
    this.name = socket.data.name
  }

  /** False where it is closed, or so much waits to be read by the agent that the socket was closed for it. */
  send(message: MasterMessage): boolean {
    if (this.#closed) return false
    // 0 is dropped, -1 is taken and waits; beyond the limit of the server the socket is closed.
    return this.#socket.send(JSON.stringify(message)) !== 0
  }

  /** Says why, and closes. */
  refuse(refusal: { readonly code: string; readonly message: string }): void {
    this.send({ type: 'refused', code: refusal.code, message: refusal.message.slice(0, 2000) })
    this.#closed = true
    this.#socket.close(REFUSED_STATUS, refusal.code.slice(0, 100))
    setTimeout(() => this.#socket.terminate(), GOODBYE_MS).unref()
  }

  closed(): void {
    this.#closed = true
    this.requests.close()
  }
}

/** Reads a message; one of a type that this version does not know is no fault. */
export function parseAgentMessage(text: string | Buffer): Parsed {
  if (typeof text !== 'string') return { kind: 'faulty', why: 'a message is not text' }
  const value = parseJson(text)
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : null
  if (typeof type !== 'string') return { kind: 'faulty', why: 'a message has no type' }
  if (!KNOWN_TYPES.has(type)) return { kind: 'unknown' }
  const parsed = agentMessage.safeParse(value)
  if (parsed.success) return { kind: 'message', message: parsed.data }
  const [issue] = parsed.error.issues
  return { kind: 'faulty', why: `${type}.${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is a message without a type, which the caller says.
    return null
  }
}
