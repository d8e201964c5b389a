import type { Failure } from '../core/base/result.ts'
import type { DistributionTree } from '../core/route/tree.ts'
import type { AgentMessageOf, MasterMessage, MasterMessageOf } from '../core/wire/control.ts'
import type { FilterTrial } from '../core/wire/filter-trial.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Authority } from './authority.ts'
import type { MasterDatabase } from './db/database.ts'
import type { EventBus } from './events.ts'
import type { ServerHealth } from './health/fleet-health.ts'
import type { FolderEntry, ServerState, UserRole } from './model.ts'

/** Everything the use cases need, made once by `serve` and by commands on the data folder. */
export interface MasterContext {
  readonly database: MasterDatabase
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventBus
  readonly authority: Authority
  readonly license: LicenseGate
  readonly fleet: Fleet
  readonly jobs: JobControl
  readonly settings: MasterSettings
  /** Tells what is wrong with a list of a filter's patterns (PATTERN_UNSAFE); null where they run in bounded time. */
  readonly checkPatterns: (patterns: readonly string[]) => Failure | null
}

interface MasterSettings {
  /** Distinguishes this installation from every other one. */
  readonly installationId: string
  /** Where agents reach the gateway, for the command to paste: `https://host:7401`. */
  readonly gatewayUrl: string
  readonly version: string
}

/** Who asks. `system` for what the master does by itself and for commands on the data folder. */
export interface Actor {
  readonly kind: 'session' | 'token' | 'system'
  /** Null for `system`. */
  readonly userId: string | null
  readonly name: string
  readonly role: UserRole
  /** Where the request came from; null for `system`. */
  readonly address: string | null
}

export const SYSTEM_ACTOR: Actor = {
  kind: 'system',
  userId: null,
  name: 'system',
  role: 'admin',
  address: null,
}

export type LimitKind = 'regions' | 'groups' | 'cas' | 'cms'

/** What the licence allows now. */
export interface LicenseGate {
  current(): {
    readonly state: 'missing' | 'invalid' | 'valid' | 'grace' | 'expired'
    readonly code: string | null
    readonly expiresAt: string | null
    readonly graceUntil: string | null
  }
  /** Throws LICENSE_LIMIT where `used` (with the one about to be added) is more than allowed. */
  assertLimit(kind: LimitKind, used: number): void
  /** Calls back whenever `current` changes; the function that comes back ends it. */
  subscribe(listener: () => void): () => void
}

/** The agents, as far as they are connected. */
export interface Fleet {
  isConnected(serverId: string): boolean
  /** What was observed; `pending`, `revoked` and `incompatible` included. */
  stateOf(server: ObservedServer): ServerState
  connectedIds(): readonly string[]
  /** How a host fares, by what its agent said last. */
  healthOf(serverId: string): ServerHealth
  /** False where the agent is not connected or does not keep up: it gets everything anew when it is back. */
  send(serverId: string, message: MasterMessage): boolean
  /** Ends a connection; the code says whether coming back makes sense. */
  disconnect(serverId: string, refusal: { code: string; message: string }): void
  /** Folders of a host, within what it allows; MASTER-side errors: PEER_UNREACHABLE, or the agent's own code. */
  listFiles(serverId: string, path: string): Promise<readonly FolderEntry[]>
  /** What a filter lets through of a folder of a host; PEER_UNREACHABLE, or the agent's own code. */
  tryFilter(
    serverId: string,
    question: Pick<MasterMessageOf<'tryFilter'>, 'path' | 'include' | 'exclude'>,
  ): Promise<FilterTrial>
  /** Has the sources of a policy on a server look at the disk now; gives the heads that cover it. */
  flush(serverId: string, policyId: string): Promise<readonly FlushedSource[]>
  /** Takes a person's word to the agent that holds something back; PEER_UNREACHABLE. */
  resolveHold(
    serverId: string,
    question: Pick<MasterMessageOf<'resolveHold'>, 'place' | 'fingerprint' | 'decision'>,
  ): Promise<Pick<AgentMessageOf<'holdResolved'>, 'outcome' | 'position'>>
  /** Topology, policies or the licence changed: agents concerned get their new configuration. */
  configChanged(): void
  /** Resolves when every configuration that was due has been handed to its connection. */
  configSettled(): Promise<void>
}

export interface ObservedServer {
  readonly id: string
  readonly revokedAtMs: number | null
  readonly lastSeenAtMs: number | null
}

export interface FlushedSource {
  readonly sourceId: string
  readonly epoch: string
  readonly headSeq: number
}

/** The jobs' engine, as use cases need it. */
export interface JobControl {
  /**
   * Runs work that changes policies or topology in the database while no message of an agent is handled, then reads
   * what `affected` names anew and plans. The configuration of agents follows by itself.
   */
  change<T>(work: () => Promise<T>, affected: (result: T) => readonly string[] | 'all'): Promise<T>
  /**
   * Starts a manual job that ends when the bindings named have reached their sources' heads as they are now;
   * gives its id. NOT_FOUND where there is none.
   */
  sync(request: SyncRequest): Promise<string>
  /** The trees by which a policy's content would go now, from each source and from whoever serves in its stead. */
  routes(policyId: string, question: RouteQuestion): readonly DistributionTree[]
  /** Lets go what a job holds, if it is exactly what was shown; HOLD_CHANGED where it is not, PEER_UNREACHABLE. */
  approve(jobId: string, fingerprint: string): Promise<void>
  /** Keeps on its targets what a job holds, or stops a job's targets that have not ended; what they lack stays in the backlog. */
  cancel(jobId: string, actor: Actor): Promise<void>
}

export interface RouteQuestion {
  /** Servers that count as gone. */
  readonly without: ReadonlySet<string>
  /** Regions to which there is no way from the sources. */
  readonly cut: ReadonlySet<string>
  /** What is to be sent; what the targets lack where left out. */
  readonly bytes?: number | undefined
}

export interface SyncRequest {
  readonly policyId: string
  /** Null for all servers. */
  readonly serverIds: readonly string[] | null
  readonly trigger: 'person' | 'retry'
  /** Where the sources are known to be, beyond what their reports say so far. */
  readonly heads: readonly FlushedSource[]
}
