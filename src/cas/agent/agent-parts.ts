import type { OutboundSource } from '../../core/apply/outbound.ts'
import type { ReadTree } from '../../core/apply/target-tree.ts'
import type { ByteString } from '../../core/base/byte-string.ts'
import type { Address, AgentMessageOf } from '../../core/wire/control.ts'
import type { HostPort } from '../../platform/cli-options.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { SpawnChild } from '../child-process.ts'
import type { ConfigStore } from '../config-store.ts'
import type { SessionTimes } from '../control/session.ts'
import type { Identity } from '../identity.ts'
import type { RoutingTable } from '../routing-table.ts'
import type { HostRules } from './effective-config.ts'
import type { Sending } from './jobs.ts'
import type { Detection, DetectionEvents } from './seams.ts'

/** What an agent is put together from. */
export interface AgentParts {
  readonly identity: Identity
  readonly rules: HostRules
  readonly configStore: ConfigStore
  readonly startDetection: (events: DetectionEvents) => Promise<Detection>
  readonly createSending: (ports: SendingPorts) => Sending
  /** Null where this host does not receive. */
  readonly syncServer: SyncServerParts | null
  readonly openTree: (path: ByteString) => ReadTree
  /** Where this agent is reached, as the master to be reached should be told. */
  readonly addresses: (master: URL, listen: HostPort) => Promise<readonly Address[]>
  readonly clock: Clock
  readonly log: Logger
  /** Gives 0 to 1. */
  readonly random: () => number
  readonly times?: SessionTimes
}

export interface SyncServerParts {
  readonly spawn: SpawnChild
  readonly listen: HostPort
}

/** What the Sync Client is given by the agent. */
export interface SendingPorts {
  readonly routing: RoutingTable
  /** One watched source; null where it is not watched here. */
  readonly outbound: (sourceId: string) => OutboundSource | null
  /** PEM of the authority that peers are verified with, as of now. */
  readonly authorityPem: () => string
  readonly report: (report: AgentMessageOf<'jobReport'>) => void
}
