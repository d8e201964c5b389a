import { type CryptoKey, SignJWT, exportJWK, generateKeyPair } from 'jose'

import type { JobReport, SyncClientOptions } from '../../src/cas/sync-client/options.ts'
import { type SyncClient, createSyncClient } from '../../src/cas/sync-client/sync-client.ts'
import type { TargetOpener } from '../../src/cas/sync-server/bindings.ts'
import {
  SyncServer,
  type SyncServerConfiguration,
  type SyncServerOptions,
} from '../../src/cas/sync-server/sync-server.ts'
import type { OutboundSource } from '../../src/core/apply/outbound.ts'
import type {
  AgentMessageOf,
  MasterMessageOf,
  Peer,
  TargetConfig,
} from '../../src/core/wire/control.ts'
import { TICKET_ALGORITHM, TICKET_ISSUER, TICKET_TYPE } from '../../src/core/wire/ticket.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { type Logger, createLogger } from '../../src/platform/log.ts'
import { MemoryBinding } from './memory-binding.ts'
import { type TestAuthority, type TestIdentity, makeAuthority } from './test-authority.ts'

export const SOURCE_SERVER = '00000000-0000-4000-8000-000000000001'
/** As a receiver that never sends anything there knows it. */
export const SOURCE_PEER: Peer = { serverId: SOURCE_SERVER, name: 'source', addresses: [] }
export const TARGET_SERVER = '00000000-0000-4000-8000-000000000002'
export type Job = MasterMessageOf<'job'>

const silent: Logger = createLogger({ level: 'error', write: () => {} })

/** What of a ticket a test wants to be otherwise. */
export interface TicketChanges {
  readonly claims?: Record<string, unknown>
  readonly header?: { alg: string; typ: string }
  readonly expiresInS?: number
  readonly key?: CryptoKey
}

/** One authority, one master's ticket key, one source agent, and as many receiving agents as a test needs. */
export class SyncFleet {
  readonly authority: TestAuthority
  readonly source: TestIdentity
  readonly target: TestIdentity
  readonly #ticketKeys: { privateKey: CryptoKey; publicKey: CryptoKey }
  readonly #stops: (() => unknown)[] = []

  private constructor(parts: {
    authority: TestAuthority
    source: TestIdentity
    target: TestIdentity
    ticketKeys: { privateKey: CryptoKey; publicKey: CryptoKey }
  }) {
    this.authority = parts.authority
    this.source = parts.source
    this.target = parts.target
    this.#ticketKeys = parts.ticketKeys
  }

  static async make(): Promise<SyncFleet> {
    const authority = await makeAuthority()
    return new SyncFleet({
      authority,
      source: await authority.issue(SOURCE_SERVER),
      target: await authority.issue(TARGET_SERVER),
      ticketKeys: await generateKeyPair(TICKET_ALGORITHM, { extractable: true }),
    })
  }

  targetConfig(changes: Partial<TargetConfig> = {}): TargetConfig {
    return {
      policyId: 'policy-1',
      bindingId: 'binding-1',
      sourceId: 'source-1',
      sourceServerId: SOURCE_SERVER,
      sourceKey: this.source.publicKey,
      path: '/nowhere',
      deletes: 'mirror',
      firstContact: 'hold',
      minFreePercent: 0,
      filter: { include: [], exclude: [], deleteExcluded: false },
      metadata: {
        owner: 'id',
        mode: true,
        hardLinks: false,
        xattrs: false,
        acls: false,
        sparse: true,
      },
      policyRevision: 1,
      ...changes,
    }
  }

  async configuration(
    changes: Partial<SyncServerConfiguration> = {},
  ): Promise<SyncServerConfiguration> {
    return {
      type: 'configure',
      serverId: TARGET_SERVER,
      listen: { host: '127.0.0.1', port: 0 },
      identity: this.target,
      ticketKey: { ...(await exportJWK(this.#ticketKeys.publicKey)) },
      leaseUntil: new Date(Date.now() + 3_600_000).toISOString(),
      targets: [this.targetConfig()],
      peers: [SOURCE_PEER],
      dialsOut: false,
      ...changes,
    }
  }

  /** A receiving agent in this process; by default into memory. */
  async serve(
    options: Partial<SyncServerOptions> & {
      configuration?: Partial<SyncServerConfiguration>
      onAnswer?: (answer: AgentMessageOf<'holdResolved'>) => void
    } = {},
  ) {
    const bindings = new Map<string, MemoryBinding>()
    const openTarget: TargetOpener = ({ bindingId }) => {
      const binding = bindings.get(bindingId) ?? new MemoryBinding()
      bindings.set(bindingId, binding)
      return { binding, isEmpty: () => binding.entries.size === 0, close: () => {} }
    }
    const reports: AgentMessageOf<'targetReport'>[] = []
    /** What it tells of those that it passes streams on to. */
    const relayed: JobReport[] = []
    const report: SyncServerOptions['report'] = (message) => {
      if (message.type === 'jobReport') relayed.push(message)
      if (message.type === 'targetReport') reports.push(message)
      if (message.type === 'holdResolved') options.onAnswer?.(message)
    }
    const server = new SyncServer({
      clock: systemClock,
      log: silent,
      openTarget,
      acceptRoot: () => false,
      random: Math.random,
      report,
      ...options,
    })
    const configuration = await this.configuration(options.configuration)
    const port = server.configure(configuration)
    this.#stops.push(() => server.stop())
    const binding = (bindingId = 'binding-1') => bindings.get(bindingId) ?? new MemoryBinding()
    return { server, port, reports, relayed, binding, configuration }
  }

  /** A sending agent in this process. */
  client(
    port: number | Record<string, number>,
    source: OutboundSource | null,
    options: Partial<SyncClientOptions> = {},
  ): { client: SyncClient; reports: JobReport[]; behind: string[] } {
    const reports: JobReport[] = []
    const behind: string[] = []
    const portOf = (serverId: string) => (typeof port === 'number' ? port : port[serverId])
    const client = createSyncClient({
      serverId: SOURCE_SERVER,
      identity: () => this.source,
      addressesOf: (serverId) => {
        const known = portOf(serverId)
        return known === undefined ? null : [{ scope: null, host: '127.0.0.1', port: known }]
      },
      hopKeyOf: () => null,
      outbound: ({ sourceId }) => (sourceId === source?.sourceId ? source : null),
      journalBehind: (sourceId) => behind.push(sourceId),
      report: (report) => reports.push(report),
      clock: systemClock,
      log: silent,
      random: Math.random,
      ...options,
    })
    this.#stops.push(() => client.stop())
    return { client, reports, behind }
  }

  async ticket(changes: TicketChanges = {}): Promise<string> {
    const nowS = Math.floor(Date.now() / 1000)
    return new SignJWT({
      iss: TICKET_ISSUER,
      aud: TARGET_SERVER,
      jti: crypto.randomUUID(),
      iat: nowS,
      exp: nowS + (changes.expiresInS ?? 3600),
      jobId: 'job-1',
      runAtMs: 1,
      policyId: 'policy-1',
      policyRevision: 1,
      bindingId: 'binding-1',
      sourceId: 'source-1',
      sourceServerId: SOURCE_SERVER,
      senders: [SOURCE_SERVER],
      ...changes.claims,
    })
      .setProtectedHeader(changes.header ?? { alg: TICKET_ALGORITHM, typ: TICKET_TYPE })
      .sign(changes.key ?? this.#ticketKeys.privateKey)
  }

  async job(to: number, changes: Partial<Job> & { ticket?: string } = {}): Promise<Job> {
    const { ticket = await this.ticket(), ...job } = changes
    return {
      type: 'job',
      jobId: 'job-1',
      policyId: 'policy-1',
      sourceId: 'source-1',
      epoch: 'epoch-1',
      to,
      retry: { attempts: 3, backoffMs: 10 },
      children: [jobNode({ ticket })],
      ...job,
    }
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop()
  }
}

/** A target of a job. */
export function jobNode(changes: Partial<Job['children'][number]>): Job['children'][number] {
  return {
    serverId: TARGET_SERVER,
    bindingId: 'binding-1',
    hop: { scope: 'group', method: 'copy', compression: 1, tls: true, rateBytesPerS: null },
    reason: 'the only one',
    ticket: '',
    children: [],
    ...changes,
  }
}
