import { randomBytes } from 'node:crypto'

import { importSPKI, jwtVerify } from 'jose'

import { AGENT_TOKEN, agentTokenClaims } from '../../src/core/wire/agent-token.ts'
import {
  type AgentConfig,
  type AgentMessage,
  type AgentMessageOf,
  agentMessage,
  CONTROL_PROTOCOL,
  type MasterMessage,
} from '../../src/core/wire/control.ts'
import { enrolRequest } from '../../src/core/wire/enrolment.ts'
import {
  type CertificateAuthority,
  createAuthority,
  openAuthority,
} from '../../src/master/certificates.ts'
import { createTicketKey, openTicketSigner, type TicketOrder } from '../../src/master/tickets.ts'

const INSTALLATION = 'installation-1'

/** A master reduced to its gateway: real TLS, real WebSocket, the same wire schemas; no database, no plan. */
export interface FakeMaster {
  readonly url: URL
  /** A token that the next enrolment uses up. */
  token(): string
  /** What agents are told after their welcome; changed by assigning. */
  config: Partial<AgentConfig>
  /** The same for one server alone. */
  readonly configs: Map<string, Partial<AgentConfig>>
  /** SPKI, base64. */
  keyOf(serverId: string): string
  ticket(order: TicketOrder): Promise<string>
  readonly ticketKey: Record<string, unknown>
  sendTo(serverId: string, message: MasterMessage): void
  /** Tells a connected agent its configuration anew. */
  configure(serverId: string): void
  /** Answers a hello with this refusal in place of a welcome. */
  refusal: { code: string; message: string } | null
  /** Says nothing to a hello. */
  isMute: boolean
  readonly received: AgentMessage[]
  /** Each token with which an agent came. */
  readonly tokens: string[]
  /** How many connections were welcomed. */
  readonly welcomed: number
  /** How many are open. */
  readonly open: number
  of<T extends AgentMessage['type']>(type: T): AgentMessageOf<T>[]
  send(message: MasterMessage | string): void
  /** Cuts every connection, as a kill does; with `start` it is there again at the same address. */
  kill(): void
  start(): void
}

interface Enrolled {
  readonly publicKey: string
}

export interface FakeMasterOptions {
  /** Both share it to be one installation. */
  readonly authority?: CertificateAuthority
  /** Shows this certificate in place of the master's. */
  readonly impostor?: { readonly key: string; readonly certificate: string }
}

export async function makeAuthorityFor(): Promise<CertificateAuthority> {
  return openAuthority(await createAuthority(Date.now()))
}

export async function startFakeMaster(options: FakeMasterOptions = {}): Promise<FakeMaster> {
  const authority = options.authority ?? (await makeAuthorityFor())
  const own = { installationId: INSTALLATION, nowMs: Date.now() }
  const identity = options.impostor ?? (await authority.issueForMaster(own))
  const secrets = new Set<string>()
  const used = new Set<string>()
  const enrolled = new Map<string, Enrolled>()
  const tickets = await openTicketSigner(await createTicketKey())
  const sockets = new Set<Bun.ServerWebSocket<{ serverId: string }>>()
  let port = 0
  let server: Bun.Server<{ serverId: string }> | null = null

  const enroll = async (request: Request): Promise<Response> => {
    const body = enrolRequest.parse(await request.json())
    const problem = (code: string, detail: string) =>
      Response.json({ code, detail }, { status: 403 })
    if (used.has(body.secret)) return problem('TOKEN_USED', 'the token was used already')
    if (!secrets.delete(body.secret)) return problem('TOKEN_INVALID', 'the token is unknown')
    used.add(body.secret)
    const serverId = crypto.randomUUID()
    const order = { serverId, request: body.certificateRequest, nowMs: Date.now() }
    const issued = await authority.issueForAgent(order)
    enrolled.set(serverId, { publicKey: issued.publicKey })
    return Response.json({
      serverId,
      roles: ['cms', 'cas', 'sm'],
      certificate: issued.certificate,
      authority: authority.pem,
      installationId: INSTALLATION,
    })
  }

  const identify = async (request: Request): Promise<string> => {
    const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? ''
    master.tokens.push(token)
    const claims = agentTokenClaims.parse(JSON.parse(atob(token.split('.')[1] ?? '')))
    const { publicKey } = enrolled.get(claims.iss) ?? { publicKey: '' }
    const pem = `-----BEGIN PUBLIC KEY-----\n${publicKey}\n-----END PUBLIC KEY-----`
    await jwtVerify(token, await importSPKI(pem, AGENT_TOKEN.algorithm), {
      audience: INSTALLATION,
      typ: AGENT_TOKEN.type,
      algorithms: [AGENT_TOKEN.algorithm],
    })
    return claims.iss
  }

  const greet = (socket: Bun.ServerWebSocket<{ serverId: string }>): void => {
    const say = (message: MasterMessage) => socket.send(JSON.stringify(message))
    if (master.isMute) return
    if (master.refusal !== null) {
      say({ type: 'refused', ...master.refusal })
      return socket.close()
    }
    const { serverId } = socket.data
    const time = new Date(Date.now()).toISOString()
    welcomed++
    say({ type: 'welcome', protocol: CONTROL_PROTOCOL, masterVersion: '0', serverId, time })
    say(configOf(serverId))
  }

  let revision = 0
  const configOf = (serverId: string): AgentConfig => ({
    ...emptyConfig(serverId, authority.pem),
    revision: ++revision,
    ticketKey: { ...tickets.publicKey },
    ...master.config,
    ...master.configs.get(serverId),
  })
  const sendTo = (serverId: string, message: MasterMessage): void => {
    for (const socket of sockets) {
      if (socket.data.serverId === serverId) socket.send(JSON.stringify(message))
    }
  }

  let welcomed = 0
  const start = (): void => {
    server = Bun.serve<{ serverId: string }>({
      hostname: '127.0.0.1',
      port,
      tls: { key: identity.key, cert: identity.certificate },
      fetch: async (request, serving) => {
        const { pathname } = new URL(request.url)
        if (pathname === '/authority') return new Response(authority.pem)
        if (pathname === '/enroll') return await enroll(request)
        const serverId = await identify(request)
        return serving.upgrade(request, { data: { serverId } })
          ? undefined
          : new Response('not here', { status: 404 })
      },
      websocket: {
        open: (socket) => void sockets.add(socket),
        close: (socket) => void sockets.delete(socket),
        message: (socket, text) => {
          const message = agentMessage.parse(JSON.parse(String(text)))
          master.received.push(message)
          if (message.type === 'hello') greet(socket)
        },
      },
    })
    port = server.port ?? 0
  }
  const master: FakeMaster = {
    get url() {
      return new URL(`https://127.0.0.1:${port}`)
    },
    token: () => {
      const secret = randomBytes(32).toString('base64url')
      secrets.add(secret)
      return `cdt1.${secret}.${authority.fingerprint}`
    },
    config: {},
    configs: new Map(),
    keyOf: (serverId) => enrolled.get(serverId)?.publicKey ?? '',
    ticket: (order) => tickets.sign(order),
    ticketKey: { ...tickets.publicKey },
    sendTo,
    configure: (serverId) => sendTo(serverId, configOf(serverId)),
    refusal: null,
    isMute: false,
    received: [],
    tokens: [],
    get welcomed() {
      return welcomed
    },
    get open() {
      return sockets.size
    },
    of: (type) => master.received.filter((message) => message.type === type) as never,
    send: (message) => {
      const text = typeof message === 'string' ? message : JSON.stringify(message)
      for (const socket of sockets) socket.send(text)
    },
    kill: () => {
      for (const socket of sockets) socket.terminate()
      void server?.stop(true)
    },
    start,
  }
  start()
  return master
}

/** A configuration with nothing to do, under a lease of an hour. */
function emptyConfig(serverId: string, authorityPem: string): AgentConfig {
  return {
    type: 'config',
    revision: 1,
    serverId,
    roles: ['cms', 'cas', 'sm'],
    sources: [],
    targets: [],
    peers: [],
    authorityPem,
    ticketKey: {},
    leaseUntil: new Date(Date.now() + 3_600_000).toISOString(),
  }
}
