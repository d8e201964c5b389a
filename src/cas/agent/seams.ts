import type { WatchedSource } from '../../core/apply/outbound.ts'
import type { AgentMessageOf, MasterMessageOf, SourceConfig } from '../../core/wire/control.ts'

/** Detection as the agent uses it: watching, journal, scans. Made where the programs are put together. */
export interface Detection {
  /** The sources to watch from now on, whole; those left out are no longer watched. Sending begins again at `known`. */
  configure(sources: readonly SourceConfig[]): Promise<void>
  /** The master has recorded a source's changes up to here. */
  changesRecorded(message: {
    readonly sourceId: string
    readonly epoch: string
    readonly upTo: number
  }): void
  /** Resolves when everything that was on the disk at the call is journalled. */
  flush(policyId: string): Promise<AgentMessageOf<'flushed'>['sources']>
  /** Takes a person's word about what a source holds back. */
  resolveHold(
    word: { readonly sourceId: string } & Pick<
      MasterMessageOf<'resolveHold'>,
      'fingerprint' | 'decision'
    >,
  ): Promise<Pick<AgentMessageOf<'holdResolved'>, 'outcome' | 'position'>>
  /** One source as the Sync Client reads it; null where it is not watched. */
  outbound(sourceId: string): WatchedSource | null
  /** Others know more of this source's epoch than its journal does: the source begins a new one. */
  renewEpoch(sourceId: string): Promise<void>
  /** Stops cleanly: the next start need not scan for what this one knew. */
  stop(): Promise<void>
}

export interface DetectionEvents {
  onReport(report: AgentMessageOf<'sourceReport'>): void
  /** False where the page was not taken: it is offered again after the next `configure`, or later. */
  onChanges(page: AgentMessageOf<'changes'>): boolean
}

/** Server monitoring as the agent uses it. Made where the programs are put together. */
export interface HostMonitor {
  /** Tells figures from now on, with the disks below these roots; null to be silent. */
  configure(roots: readonly string[] | null): void
  stop(): Promise<void>
}

export type OnFigures = (figures: Omit<AgentMessageOf<'figures'>, 'type'>) => void
