import type { Position } from '../change/entry.ts'
import type { RoutePlace } from '../route/hop-options.ts'

/** What the planner knows of one policy at one moment. */
export interface PlanState {
  readonly nowMs: number
  /** False where no valid licence allows anything to move. */
  readonly licensed: boolean
  readonly policy: PlanPolicy
  readonly sources: readonly PlanSource[]
  readonly targets: readonly PlanTarget[]
  /** What people asked for, oldest first. */
  readonly goals: readonly PlanGoal[]
}

export interface PlanPolicy {
  readonly enabled: boolean
  readonly mode: 'realtime' | 'manual' | 'reserved'
  readonly recovery: 'immediate' | 'manual' | 'reserved'
}

export interface PlanSource {
  readonly sourceId: string
  readonly connected: boolean
  /** Null until the source has reported. */
  readonly epoch: string | null
  readonly headSeq: number
  /** Null where nobody knows where its server stands. */
  readonly place: RoutePlace | null
  /** Nobody can connect to its server. */
  readonly dialsOut: boolean
  /** The first scan has ended. A full list may begin before that; it ends only then. */
  readonly scanned: boolean
}

export interface PlanTarget {
  readonly bindingId: string
  readonly sourceId: string
  readonly place: RoutePlace | null
  /** It may serve others in the stead of the source, as far as what it holds is whole. */
  readonly canServe: boolean
  /** Of those that hold the same, the one with the higher one serves. */
  readonly weight: number
  /** Nobody can connect to its server. */
  readonly dialsOut: boolean
  readonly connected: boolean
  /** It reported since it connected: before that, the master's copy of its watermark may be wrong. */
  readonly reported: boolean
  /** Since when it is connected, or bound: until it reports, its word is due any moment. */
  readonly awaitedSinceMs: number
  readonly drained: boolean
  readonly watermark: Position | null
  readonly pendingCount: number
  readonly runningJobId: string | null
  /** Jobs that failed in a row. */
  readonly failures: number
  /** What it does not do until a person has said a word. */
  readonly hold: { readonly code: string } | null
  /** It was away and has not caught up since. */
  readonly wasAway: boolean
  /** Until when it waits for another one that is about to hold what it lacks; null where it waits for nobody. */
  readonly waitUntilMs: number | null
  /** Servers from which there was no way to this one, until something came from there again. */
  readonly lostWays: readonly LostWay[]
  /** From when on it may catch up, where that waits for a reserved time; null where no time is known. */
  readonly recoverAtMs: number | null
  /** A person cancelled what was under way to here: left alone until there is something newer. */
  readonly waivedSeq: number | null
  /** The last job that left something undone; null where none did since the target came back. */
  readonly lastTry: {
    readonly atMs: number
    /** The source's head then. */
    readonly headSeq: number
    /** How many tries in a row left something undone. */
    readonly rounds: number
  } | null
}

/** That a server could not be reached from another. */
export interface LostWay extends RoutePlace {
  readonly atMs: number
  /** After one attempt another may reach it; after all that a job makes nobody counts on that. */
  readonly isSure: boolean
}

/** Bindings that a person wants at a position, and which no job serves yet. */
export interface PlanGoal {
  readonly jobId: string
  readonly to: Position
  readonly bindingIds: readonly string[]
  /** Those of them that a stream was to reach and did not. */
  readonly cutOff: readonly string[]
}

export type PlannedKind = 'initial' | 'realtime' | 'manual' | 'recovery'

export interface PlannedJob {
  /** The waiting job to run; null for a new one. */
  readonly jobId: string | null
  readonly sourceId: string
  /** The binding that is sent from in the stead of the source; null where the source itself sends. */
  readonly holderId: string | null
  readonly kind: PlannedKind
  readonly to: Position
  readonly bindingIds: readonly string[]
}

export interface Plan {
  readonly jobs: readonly PlannedJob[]
  /** When to plan again even if nothing happens; null for never. */
  readonly wakeAtMs: number | null
}
