import type { OutboundSource } from '../../core/apply/outbound.ts'
import type { HopScope } from '../../core/route/tree.ts'
import type { DeltaDesk } from '../../core/transfer/delta-desk.ts'
import type { Address, AgentMessageOf, MasterMessageOf } from '../../core/wire/control.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { TlsIdentity } from '../../platform/tls-identity.ts'
import type { HopKeys } from './plain-end.ts'

export type JobReport = AgentMessageOf<'jobReport'>

/** What the Sync Client needs of its agent. */
export interface SyncClientOptions extends HopKeys {
  /** Asked at every connection, so that a renewed certificate is used. */
  readonly identity: () => TlsIdentity
  /** Where a server is reached, best first; empty while nothing leads to it, null where it is unknown. */
  addressesOf(serverId: string, scope: HopScope): readonly Address[] | null
  /** Nobody can connect to this server. */
  readonly dialsOut?: boolean
  /** What a job sends from; null where it is not here. One that is held is closed by the caller. */
  outbound(job: Pick<MasterMessageOf<'job'>, 'sourceId' | 'holderId'>): OutboundSource | null
  /** Others know more of this source's epoch than its journal does: it must begin a new one. */
  journalBehind(sourceId: string): void
  /** Gets how each target of each job fares: at most twice a second while it runs, and its end. */
  report(report: JobReport): void
  readonly clock: Clock
  readonly log: Logger
  /** Gives 0 to 1. */
  readonly random: () => number
  readonly times?: ClientTimes
}

/** What its connections need beside. */
export interface LinkOptions extends SyncClientOptions {
  /** One for all connections. */
  readonly deltas: DeltaDesk
}

export interface ClientTimes {
  /** How long nothing may move in a job: longer than a target takes to make a set durable. */
  readonly stallMs: number
  /** The same for a target that passes on: it gives a sign of life every second, and others wait for it. */
  readonly relayStallMs: number
  /** How long a connection is kept for the next job. */
  readonly idleMs: number
  /** A sign of life to the other side, at the latest so often, while content is hashed. */
  readonly aliveMs: number
}

export const CLIENT_TIMES: ClientTimes = {
  stallMs: 90_000,
  relayStallMs: 20_000,
  idleMs: 300_000,
  aliveMs: 15_000,
}
