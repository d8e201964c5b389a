import { toAppError } from '../../core/base/errors.ts'
import { AGENT_TOKEN } from '../../core/wire/agent-token.ts'
import type { MasterContext } from '../context.ts'
import { listenError } from '../listen-error.ts'
import type { AgentFleet } from './agent-fleet.ts'
import { AgentIdentifier } from './agent-identity.ts'
import { AgentConnection, type SocketData, parseAgentMessage } from './connection.ts'
import { EnrolmentRoute } from './enrolment-route.ts'

const REQUEST_BYTES_MAX = 64 << 10
/** A page of 1,000 changes with the longest paths fits. */
const MESSAGE_BYTES_MAX = 32 << 20
/** What may wait for a slow agent to read; a configuration of 100,000 bindings fits. */
const UNREAD_BYTES_MAX = 128 << 20
/** Agents ping every 10 s. */
const IDLE_S = 30
const HELLO_WAIT_MS = 10_000

export interface GatewayOptions {
  readonly hostname: string
  readonly port: number
  readonly fleet: AgentFleet
}

export interface Gateway {
  readonly port: number
  /** Ends all connections and stops listening. */
  stop(): Promise<void>
}

/**
 * Opens the gateway: TLS always, under a certificate that names the master's role, never a host. `GET /authority`,
 * `POST /enroll`, and the agents' WebSocket. PORT_IN_USE.
 */
export async function startGateway(
  context: MasterContext,
  options: GatewayOptions,
): Promise<Gateway> {
  const { hostname, port, fleet } = options
  const { certificate, key } = await context.authority.gatewayCertificate()
  const enrolment = new EnrolmentRoute(context)
  const identifier = new AgentIdentifier(context)
  try {
    const server = Bun.serve<SocketData>({
      hostname,
      port,
      tls: { cert: certificate, key },
      maxRequestBodySize: REQUEST_BYTES_MAX,
      fetch: async (request, serving) => {
        const { pathname } = new URL(request.url)
        if (pathname === '/authority') return new Response(context.authority.certificate)
        if (pathname === '/enroll' && request.method === 'POST') {
          return await enrolment.handle(request, serving.requestIP(request)?.address ?? '')
        }
        if (pathname !== AGENT_TOKEN.path) return new Response('not found', { status: 404 })
        const data = await identify(identifier, request)
        if (serving.upgrade(request, { data })) return undefined
        return new Response('this is for agents', { status: 426 })
      },
      websocket: socketHandlers(context, fleet),
      error: (error) => {
        context.log.error('a request to the gateway failed', { error })
        return new Response('the master failed', { status: 500 })
      },
    })
    return {
      port: server.port ?? port,
      stop: async () => {
        await fleet.stop()
        await server.stop(true)
      },
    }
  } catch (thrown) {
    throw listenError({ hostname, port }, thrown)
  }
}

async function identify(identifier: AgentIdentifier, request: Request): Promise<SocketData> {
  try {
    const server = await identifier.identify(request.headers.get('authorization'))
    return { serverId: server.id, name: server.name, refusal: null, connection: null }
  } catch (thrown) {
    const { code, message } = toAppError(thrown)
    const refusal = code === 'INTERNAL' ? { code, message: 'the master failed' } : { code, message }
    return { serverId: '', name: '', refusal, connection: null }
  }
}

function socketHandlers(
  context: MasterContext,
  fleet: AgentFleet,
): Bun.WebSocketHandler<SocketData> {
  const greeted = new WeakMap<AgentConnection, Promise<void>>()
  const receive = (connection: AgentConnection, text: string | Buffer): void => {
    const parsed = parseAgentMessage(text)
    if (parsed.kind === 'unknown') return
    if (parsed.kind === 'faulty') return fault(connection, parsed.why)
    const { message } = parsed
    const greeting = greeted.get(connection)
    if (greeting === undefined && message.type !== 'hello') return fault(connection, 'no hello')
    if (greeting === undefined && message.type === 'hello') {
      const arriving = fleet.arrive(connection, message)
      greeted.set(
        connection,
        arriving.catch((thrown: unknown) => fail(connection, thrown)),
      )
      return
    }
    // In order of arrival, and not before the greeting is through.
    void greeting?.then(() => fleet.receive(connection, message))
  }
  const fault = (connection: AgentConnection, why: string): void => {
    context.log.warn('an agent sent a faulty message', { server: connection.name, why })
    connection.refuse({ code: 'PROTOCOL', message: `cannot read a message: ${why}` })
  }
  const fail = (connection: AgentConnection, thrown: unknown): void => {
    context.log.error('greeting an agent failed', { server: connection.name, error: thrown })
    connection.refuse({ code: 'INTERNAL', message: 'the master failed' })
  }
  return {
    maxPayloadLength: MESSAGE_BYTES_MAX,
    backpressureLimit: UNREAD_BYTES_MAX,
    closeOnBackpressureLimit: true,
    idleTimeout: IDLE_S,
    open: (socket) => {
      const connection = new AgentConnection(socket)
      if (socket.data.refusal !== null) {
        context.log.warn('an agent was refused', { ...socket.data.refusal })
        return connection.refuse(socket.data.refusal)
      }
      socket.data.connection = connection
      const timer = setTimeout(() => {
        if (!greeted.has(connection)) fault(connection, 'no hello came')
      }, HELLO_WAIT_MS)
      timer.unref()
    },
    message: (socket, text) => {
      if (socket.data.connection !== null) receive(socket.data.connection, text)
    },
    close: (socket) => {
      const { connection } = socket.data
      if (connection === null) return
      const leave = async () => {
        await greeted.get(connection)
        await fleet.leave(connection)
      }
      leave().catch((thrown: unknown) => {
        context.log.error('noting that an agent left failed', { error: thrown })
      })
    },
  }
}
