import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { SignJWT } from 'jose'

import { AGENT_TOKEN } from '../../src/core/wire/agent-token.ts'
import {
  type AgentConfig,
  type AgentMessage,
  type AgentMessageOf,
  CONTROL_PROTOCOL,
  type MasterMessage,
  type MasterMessageOf,
  masterMessage,
} from '../../src/core/wire/control.ts'
import { MASTER_SERVER_NAME, enrolAnswer } from '../../src/core/wire/enrolment.ts'
import { eventually } from './eventually.ts'

x509.cryptoProvider.set(crypto)
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** What an agent keeps: enrolled for real, over TLS, with a key of its own. */
export interface AgentIdentity {
  readonly serverId: string
  readonly installationId: string
  readonly authority: string
  readonly certificate: string
  readonly key: CryptoKey
}

/** Enrols a host; gives the identity, or the problem that the master answered with. */
export async function enrolHost(
  url: string,
  token: string,
  name: string,
): Promise<AgentIdentity | { readonly code: string; readonly status: number }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=someone-else',
    keys,
    signingAlgorithm: ALGORITHM,
  })
  const body = {
    secret: token.split('.')[1],
    name,
    certificateRequest: request.toString('pem'),
    platform: { os: 'linux', architecture: 'x64', cpuCount: 2, memoryBytes: 1 },
  }
  const authority = await (
    await fetch(`${url}/authority`, { tls: { rejectUnauthorized: false } })
  ).text()
  const response = await fetch(`${url}/enroll`, {
    method: 'POST',
    body: JSON.stringify(body),
    tls: { ca: authority, serverName: MASTER_SERVER_NAME },
  })
  const answer: unknown = await response.json()
  if (!response.ok) return { ...(answer as { code: string }), status: response.status }
  const { serverId, installationId, certificate } = enrolAnswer.parse(answer)
  return { serverId, installationId, authority, certificate, key: keys.privateKey }
}

/** Enrols a host that must be taken in. */
export async function mustEnrol(url: string, token: string, name: string): Promise<AgentIdentity> {
  const identity = await enrolHost(url, token, name)
  if ('code' in identity) throw new Error(`not enrolled: ${identity.code}`)
  return identity
}

export async function signAgentToken(
  identity: AgentIdentity,
  claims: Record<string, unknown> = {},
): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000)
  return await new SignJWT({
    iss: identity.serverId,
    aud: identity.installationId,
    iat: nowS,
    exp: nowS + AGENT_TOKEN.lifetimeS,
    jti: crypto.randomUUID(),
    ...claims,
  })
    .setProtectedHeader({ alg: AGENT_TOKEN.algorithm, typ: AGENT_TOKEN.type })
    .sign(identity.key)
}

/** An agent that says what a test has it say, over a real WebSocket. */
export class ScriptedAgent {
  readonly serverId: string
  readonly received: MasterMessage[] = []
  readonly #socket: WebSocket
  closed = false

  constructor(serverId: string, socket: WebSocket) {
    this.serverId = serverId
    this.#socket = socket
    socket.addEventListener('message', (event) => {
      this.received.push(masterMessage.parse(JSON.parse(String(event.data))))
    })
    socket.addEventListener('close', () => {
      this.closed = true
    })
  }

  /** Connects and introduces itself; resolves when it is configured. */
  static async connect(
    url: string,
    identity: AgentIdentity,
    fields: Partial<AgentMessageOf<'hello'>> = {},
  ): Promise<ScriptedAgent> {
    const agent = await ScriptedAgent.open(url, identity, await signAgentToken(identity))
    agent.send(hello(fields))
    await eventually('the configuration', () => agent.of('config').length > 0)
    return agent
  }

  /** Connects with any token and says nothing. */
  static async open(url: string, identity: AgentIdentity, token: string): Promise<ScriptedAgent> {
    const socket = new WebSocket(`${url.replace('https', 'wss')}${AGENT_TOKEN.path}`, {
      headers: { authorization: `Bearer ${token}` },
      tls: { ca: identity.authority, serverName: MASTER_SERVER_NAME },
    })
    const agent = new ScriptedAgent(identity.serverId, socket)
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    return agent
  }

  send(message: AgentMessage): void {
    this.#socket.send(JSON.stringify(message))
  }

  sendText(text: string): void {
    this.#socket.send(text)
  }

  of<T extends MasterMessage['type']>(type: T): MasterMessageOf<T>[] {
    return this.received.filter((message) => message.type === type) as MasterMessageOf<T>[]
  }

  get config(): AgentConfig {
    const config = this.of('config').at(-1)
    if (config === undefined) throw new Error('no configuration came')
    return config
  }

  /** Waits for the nth job, counted from 1. */
  async job(nth = 1): Promise<MasterMessageOf<'job'>> {
    await eventually(`job ${nth}`, () => this.of('job').length >= nth)
    const job = this.of('job')[nth - 1]
    if (job === undefined) throw new Error('unreachable')
    return job
  }

  /** Says that the source was scanned up to here, with one change per seq. */
  reportSource(headSeq: number, fields: Partial<AgentMessageOf<'sourceReport'>> = {}): void {
    const [source] = this.config.sources
    if (source === undefined) throw new Error('this agent has no source')
    const { policyId, sourceId } = source
    this.send({
      type: 'sourceReport',
      policyId,
      sourceId,
      epoch: 'epoch-1',
      headSeq,
      viewRevision: 0,
      completeAt: new Date(Date.now()).toISOString(),
      gaps: [],
      fileCount: headSeq,
      totalBytes: headSeq,
      error: null,
      ...fields,
    })
  }

  /** Reports changes, one per seq in (from, upTo], each a new file. */
  reportChanges(
    from: number,
    upTo: number,
    of: { epoch?: string; size?: number; operation?: 'held' | 'delete' } = {},
  ): void {
    const { epoch = 'epoch-1', size = 10, operation = 'create' as const } = of
    const [source] = this.config.sources
    if (source === undefined) throw new Error('this agent has no source')
    const { policyId, sourceId } = source
    const records = Array.from({ length: upTo - from }, (_, index) => ({
      seq: from + index + 1,
      path: `file-${from + index + 1}`,
      from: null,
      operation,
      type: operation === 'create' ? ('file' as const) : null,
      size,
      mtimeNs: '1',
      hash: null,
    }))
    this.send({ type: 'changes', policyId, sourceId, epoch, from, upTo, records })
  }

  /** Says what a target durably holds. */
  reportTarget(seq: number | null, fields: Partial<AgentMessageOf<'targetReport'>> = {}): void {
    const [target] = this.config.targets
    if (target === undefined) throw new Error('this agent has no target')
    const { policyId, bindingId } = target
    const watermark = seq === null ? null : { epoch: 'epoch-1', seq }
    const pending = { pendingCount: 0, pending: [], error: null }
    this.send({ type: 'targetReport', policyId, bindingId, watermark, ...pending, ...fields })
  }

  /** Reports on a job to its master as the agent that carries it. */
  reportJob(
    job: MasterMessageOf<'job'>,
    state: 'running' | 'done' | 'failed',
    fields: Partial<AgentMessageOf<'jobReport'>> = {},
  ): void {
    for (const { bindingId, serverId } of job.children) {
      this.send({
        type: 'jobReport',
        jobId: job.jobId,
        bindingId,
        serverId,
        state,
        via: this.serverId,
        attempts: 1,
        bytesOnWire: 100,
        entriesApplied: 1,
        entriesFailed: 0,
        error: null,
        ...fields,
      })
    }
  }

  close(): void {
    this.#socket.close()
  }
}

export function hello(fields: Partial<AgentMessageOf<'hello'>> = {}): AgentMessageOf<'hello'> {
  return {
    type: 'hello',
    protocol: CONTROL_PROTOCOL,
    agentVersion: '0.0.0',
    roles: ['cms', 'cas', 'sm'],
    addresses: [{ scope: null, host: '127.0.0.1', port: 7410 }],
    platform: { os: 'linux', architecture: 'x64', cpuCount: 2, memoryBytes: 1 },
    ...fields,
  }
}
