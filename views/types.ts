/** What views show, as far as they show it. The objects of the JSON API fit without being converted. */

/** Something with a name to read and an id to link to. */
export interface Named {
  readonly id: string
  readonly name: string
}

export interface ReasonView {
  readonly code: string
  readonly message: string
  readonly action: string
  readonly at: string
  readonly retryAt?: string
}

/** A list that goes on: the address of the next page, or null. */
export interface Listing<T> {
  readonly items: readonly T[]
  readonly nextUrl: string | null
  /** The address of the first page, where this is not it. */
  readonly firstUrl: string | null
}

export interface ServerView {
  readonly id: string
  readonly name: string
  readonly groupId: string
  readonly address: string | null
  /** Nobody can connect to it: others reach it by the connections that it opens. */
  readonly dialsOut: boolean
  readonly roles: readonly string[]
  readonly weight: number
  readonly mode: string
  readonly state: string
  readonly lastSeenAt: string | null
  readonly version: string | null
  readonly revision: number
}

export interface GroupView extends Named {
  readonly regionId: string
}

export interface ConvergenceView {
  readonly policyId: string
  readonly policyName: string
  readonly converged: boolean
  readonly summary: string
  readonly headSeq: number
  readonly sources: readonly SourceView[]
  readonly targetCounts: Readonly<Record<string, number>>
  readonly targets: readonly TargetView[]
}

export interface SourceView {
  readonly serverId: string
  readonly path: string
  readonly connected: boolean
  readonly headSeq: number
  readonly completeAt: string | null
  readonly gaps: readonly {
    readonly path: string
    readonly since: string
    readonly reason: string
  }[]
  readonly fileCount: number
  readonly totalBytes: number
  readonly error: ReasonView | null
}

export interface TargetView {
  readonly serverId: string
  readonly path: string
  readonly state: string
  readonly connected: boolean
  readonly appliedSeq: number
  readonly backlogEntries: number
  readonly backlogBytes: number
  readonly failedEntries: number
  readonly lagMs: number
  readonly notes: readonly TargetNoteView[]
  readonly reason: ReasonView | null
}

/** What entries were applied without, and what to do about it. */
export interface NoteView {
  readonly code: string
  readonly message: string
  readonly action: string
}

interface TargetNoteView extends NoteView {
  readonly count: number
}

export interface JobView {
  readonly id: string
  readonly policyId: string
  readonly kind: string
  readonly trigger: string
  readonly state: string
  readonly sources: readonly {
    readonly serverId: string
    readonly from: number
    readonly to: number
  }[]
  readonly entries: number
  readonly bytes: number
  readonly createdAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly hold: HoldView | null
  readonly error: ReasonView | null
  readonly targetCounts: Readonly<Record<string, number>>
  readonly targets: readonly JobTargetView[]
}

/** What a job asks a person about; the fingerprint names exactly that. */
export interface HoldView extends ReasonView {
  readonly since: string
  readonly fingerprint: string
  readonly preview: {
    readonly deletes: number
    readonly updates: number
    readonly bytes: number
    readonly sample: readonly string[]
  }
  /** Whether it ends by itself once its cause has. */
  readonly clearsItself: boolean
}

export interface JobTargetView {
  readonly serverId: string
  readonly state: string
  readonly via: string | null
  readonly why: string | null
  readonly attempts: number
  readonly bytesOnWire: number
  readonly entriesApplied: number
  readonly entriesFailed: number
  readonly error: ReasonView | null
}

export interface EntryView {
  readonly serverId: string
  readonly path: string
  readonly type: string | null
  readonly op: string
  readonly from?: string
  readonly changed: string
  readonly size: number
  readonly state: string
  readonly notes: readonly NoteView[]
  readonly error: ReasonView | null
}

/** Names for ids; an id that is not in it is shown as it is. */
export type Names = ReadonlyMap<string, string>
