import type { EntryOperation, FileType } from '../core/change/entry.ts'
import type { HopOptions } from '../core/route/tree.ts'
import type { Address } from '../core/wire/control.ts'
import type { PolicyFields } from './policy-schema.ts'

/** The objects of the JSON API. Times are ISO 8601 UTC with milliseconds. */

export type Role = 'cms' | 'cas' | 'sm'
export type UserRole = 'admin' | 'operator' | 'viewer'
export type ServerMode = 'active' | 'drained'
export type ServerState = 'pending' | 'up' | 'degraded' | 'down' | 'incompatible' | 'revoked'
export type JobKind =
  | 'initial'
  | 'realtime'
  | 'manual'
  | 'reserved'
  | 'recovery'
  | 'verify'
  | 'repair'
  | 'preview'
  | 'restore'
export type JobTrigger = 'change' | 'firstContact' | 'person' | 'return' | 'retry' | 'schedule'
export type JobState = 'queued' | 'running' | 'held' | 'done' | 'partial' | 'failed' | 'cancelled'
export type JobTargetState = JobState | 'skipped'
export type EntryState = 'queued' | 'sent' | 'applied' | 'held' | 'kept' | 'failed' | 'superseded'
export type ConvergenceState = 'converged' | 'behind' | 'unknown' | 'failed' | 'held' | 'waiting'

export interface ErrorReason {
  readonly code: string
  readonly message: string
  readonly action: string
  readonly at: string
  readonly retryAt?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Null on the last page. */
  readonly nextCursor: string | null
}

/** What every stored object carries; `version` is what `If-Match` is compared with. */
interface Stored {
  readonly id: string
  readonly version: number
  readonly createdAt: string
}

export interface Region extends Stored {
  readonly name: string
}

export interface Group extends Stored {
  readonly name: string
  readonly regionId: string
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly cpuCount: number
  readonly memoryBytes: number
}

/** `version` is the agent's, as the contract has it; `revision` is the object's and stands in its ETag. */
export interface Server {
  readonly id: string
  readonly name: string
  readonly groupId: string
  /** The first of `addresses` as `host:port`; null until the agent told it. */
  readonly address: string | null
  readonly addresses: readonly Address[]
  /** Nobody can connect to it: others reach it by the connections that it opens. */
  readonly dialsOut: boolean
  readonly roles: readonly Role[]
  readonly weight: number
  readonly mode: ServerMode
  readonly state: ServerState
  readonly lastSeenAt: string | null
  readonly version: string | null
  readonly health: { readonly state: 'unknown' | 'good' | 'bad'; readonly at: string | null }
  readonly certificate: {
    readonly serial: string
    readonly expiresAt: string
    /** Null where nothing is to be done about it yet. */
    readonly reason: ErrorReason | null
  }
  readonly platform: Platform
  readonly revokedAt: string | null
  readonly revokeReason: string | null
  readonly createdAt: string
  readonly revision: number
}

export interface EnrollmentToken extends Stored {
  readonly groupId: string | null
  readonly serverId: string | null
  readonly roles: readonly Role[]
  readonly expiresAt: string
  readonly maxUses: number
  readonly uses: number
  readonly createdBy: string
}

/** Only the answer to its making holds the secret. */
export interface NewEnrollmentToken extends EnrollmentToken {
  readonly token: string
  /** The exact line to paste on the host. */
  readonly command: string
}

export interface Policy extends PolicyFields, Stored {
  readonly updatedAt: string
  readonly pauseReason: string | null
  /** What is allowed but deserves a second look. */
  readonly warnings: readonly string[]
}

export interface HopRule extends Partial<Omit<HopOptions, 'scope'>> {
  readonly scope: HopRuleScope
}

export type HopRuleScope =
  | 'group'
  | 'region'
  | 'international'
  | { readonly from: string; readonly to: string }

export interface StoredHopRule extends Stored, HopRule {}

export interface Gap {
  readonly path: string
  readonly since: string
  readonly reason: string
}

export interface Convergence {
  readonly policyId: string
  readonly policyName: string
  readonly converged: boolean
  readonly summary: string
  readonly headSeq: number
  readonly sources: readonly SourceConvergence[]
  readonly targetCounts: Readonly<Record<ConvergenceState, number>>
  readonly targets: readonly TargetConvergence[]
}

export interface SourceConvergence {
  readonly sourceId: string
  readonly serverId: string
  readonly path: string
  readonly connected: boolean
  readonly epoch: string | null
  readonly headSeq: number
  readonly completeAt: string | null
  readonly gaps: readonly Gap[]
  readonly fileCount: number
  readonly totalBytes: number
  readonly error: ErrorReason | null
}

/** What an entry was applied without, because its target cannot hold it. */
export interface EntryNote {
  readonly code: string
  readonly message: string
  readonly action: string
}

/** The same of a whole target: of how many entries. */
export interface TargetNote extends EntryNote {
  readonly count: number
}

export interface TargetConvergence {
  readonly serverId: string
  readonly path: string
  readonly state: ConvergenceState
  readonly connected: boolean
  /** The lowest over its sources; `bySource` has each. */
  readonly appliedSeq: number
  readonly bySource: readonly {
    readonly sourceId: string
    readonly bindingId: string
    readonly epoch: string | null
    readonly appliedSeq: number
    readonly state: ConvergenceState
  }[]
  readonly backlogEntries: number
  readonly backlogBytes: number
  readonly failedEntries: number
  /** Age of the oldest change that is not applied; 0 where there is none. */
  readonly lagMs: number
  readonly lastVerifiedAt: string | null
  readonly notes: readonly TargetNote[]
  readonly reason: ErrorReason | null
}

export interface RouteHop extends HopOptions {
  readonly from: string
  readonly to: string
  readonly reason: string
}

export interface Route {
  readonly hops: readonly RouteHop[]
  readonly unreachable: readonly { readonly serverId: string; readonly reason: ErrorReason }[]
}

interface JobSource {
  readonly sourceId: string
  readonly serverId: string
  readonly epoch: string
  readonly from: number
  readonly to: number
}

export interface JobTarget {
  readonly serverId: string
  readonly bindingId: string
  readonly sourceId: string
  readonly state: JobTargetState
  /** The server that sends to it; null before it starts. */
  readonly via: string | null
  /** Why it is reached as it is, for people; null before it starts. */
  readonly why: string | null
  readonly attempts: number
  readonly bytesOnWire: number
  readonly entriesApplied: number
  readonly entriesFailed: number
  readonly error: ErrorReason | null
}

/** What waits for a person's word. The fingerprint names exactly this; an answer to anything else is refused. */
export interface JobHold extends ErrorReason {
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

export interface Job {
  readonly id: string
  readonly version: number
  readonly policyId: string
  readonly policyVersion: number
  readonly kind: JobKind
  readonly trigger: JobTrigger
  readonly state: JobState
  readonly sources: readonly JobSource[]
  readonly entries: number
  readonly bytes: number
  readonly createdAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly hold: JobHold | null
  readonly error: ErrorReason | null
  readonly targetCounts: Readonly<Partial<Record<JobTargetState, number>>>
  /** Whole up to 100, else empty: ask for them in pages. */
  readonly targets: readonly JobTarget[]
}

/** `path` is for reading; where its bytes are not UTF-8, `pathBytes` (base64) beside it is exact. */
export interface JobEntry {
  readonly path: string
  readonly pathBytes?: string
  readonly type: FileType | null
  readonly op: Exclude<EntryOperation, 'held' | 'kept'>
  readonly from?: string
  readonly fromBytes?: string
  /** When the master recorded it. */
  readonly changed: string
  readonly size: number
  readonly seq: number
  readonly sourceId: string
  readonly serverId: string
  readonly state: EntryState
  readonly notes: readonly EntryNote[]
  readonly error: ErrorReason | null
}

export interface FolderEntry {
  readonly name: string
  readonly nameBytes?: string
  readonly type: FileType
}

/** What a filter let through of a folder, or left out. */
export interface FilterTrialPart {
  readonly files: number
  /** What lies in a folder that is left out is neither looked at nor counted. */
  readonly folders: number
  readonly bytes: number
  /** The first paths below the folder; one of a folder ends with a slash. */
  readonly sample: readonly { readonly path: string; readonly pathBytes?: string }[]
}

/** What a filter would do to a folder that is there now. */
export interface FilterTrial {
  readonly passes: FilterTrialPart
  readonly leftOut: FilterTrialPart
  /** False where the folder is larger than what could be looked at while somebody waits. */
  readonly complete: boolean
}

/** How a host fared at a time, or over a step of time. */
export interface ServerMetrics {
  readonly at: string
  readonly cpuPercent: number
  readonly memoryPercent: number
  readonly sessions: number | null
  readonly load1: number
  readonly diskFreeBytes: number | null
  readonly txBytes: number
  readonly rxBytes: number
}
