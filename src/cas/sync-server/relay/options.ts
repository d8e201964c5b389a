import type { HopScope } from '../../../core/route/tree.ts'
import type { Address } from '../../../core/wire/control.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Logger } from '../../../platform/log.ts'
import type { TlsIdentity } from '../../../platform/tls-identity.ts'
import type { JobReport } from '../../sync-client/options.ts'
import type { HopKeys } from '../../sync-client/plain-end.ts'

/** What passing streams on needs of the Sync Server. */
export interface RelayOptions extends HopKeys {
  readonly identity: TlsIdentity
  /** Where a server is reached, best first; empty where it is unknown. */
  addressesOf(serverId: string, scope: HopScope): readonly Address[]
  /** Gets how each child fares, and what is below one that was dropped. */
  readonly report: (report: JobReport) => void
  readonly clock: Clock
  readonly log: Logger
  readonly times: RelayTimes
}

/** The times that concern a child grow with the height of what is below it, so that the nearest parent drops first. */
export interface RelayTimes {
  /** How often children are looked at. */
  readonly lookMs: number
  /** How long a child may owe an answer without a frame going or coming. */
  readonly answerMs: number
  /** How long a child may hold the stream up, beside a tenth of the time that the stream takes. */
  readonly holdMs: number
  /** How long nothing may come from a child that has got everything. */
  readonly tailMs: number
  /** A sign of life to parent and children, at the latest so often. */
  readonly aliveMs: number
  readonly reportMs: number
}

export const RELAY_TIMES: RelayTimes = {
  lookMs: 100,
  answerMs: 4000,
  holdMs: 2000,
  tailMs: 15_000,
  aliveMs: 15_000,
  reportMs: 500,
}

/** Bytes that wait for all children of one stream together: enough to even out a pause of the disk. */
export const RELAY_QUEUE_BYTES = 32 << 20
