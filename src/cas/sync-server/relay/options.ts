import type { HopScope } from '../../../core/route/tree.ts'
import type { Address } from '../../../core/wire/control.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Logger } from '../../../platform/log.ts'
import type { TlsIdentity } from '../../../platform/tls-identity.ts'
import type { JobReport } from '../../sync-client/options.ts'
import type { HopKeys } from '../../sync-client/plain-end.ts'
import type { ChildConnections } from './child-connections.ts'

/** What passing streams on needs of the Sync Server. */
export interface RelayOptions extends HopKeys {
  readonly identity: TlsIdentity
  readonly connections: ChildConnections
  /** Where a server is reached, best first; empty while nothing leads to it, null where it is unknown. */
  addressesOf(serverId: string, scope: HopScope): readonly Address[] | null
  /** Gets how each child fares, and what is below one that was dropped. */
  readonly report: (report: JobReport) => void
  readonly clock: Clock
  readonly log: Logger
  readonly times: RelayTimes
}

export interface RelayTimes {
  /** How often children are looked at. */
  readonly lookMs: number
  /** How long nothing may go to or come from a child that owes an answer: others wait for it. */
  readonly answerMs: number
  /**
   * How long a child may hold the stream up, beside a tenth of the time that the stream takes; so often again for each
   * hop below it, so that whoever is nearest to the trouble loses patience first.
   */
  readonly holdMs: number
  /** How long nothing may come from a child that has got everything. Nobody waits for it. */
  readonly tailMs: number
  /** How long children may take to say what they have of contents that were broken off: else those come whole. */
  readonly keptMs: number
  /** A sign of life to the children, at the latest so often. */
  readonly aliveMs: number
  /** The same to the parent: by it a server that waits for its own children is told from one that is stuck. */
  readonly beatMs: number
  readonly reportMs: number
}

export const RELAY_TIMES: RelayTimes = {
  lookMs: 100,
  answerMs: 5000,
  holdMs: 2000,
  tailMs: 90_000,
  keptMs: 3000,
  aliveMs: 15_000,
  beatMs: 1000,
  reportMs: 500,
}

/** Bytes that wait for all children of one stream together: enough to even out a pause of the disk. */
export const RELAY_QUEUE_BYTES = 16 << 20

/** Streams whose parent was told the end while children still take what waits for them: each holds its queue. */
export const LEFT_STREAMS_MAX = 2
