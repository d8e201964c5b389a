import type { Position } from '../../core/change/entry.ts'
import type { LostWay, PlanPolicy } from '../../core/plan/state.ts'
import { DIRECT, type RouteRule } from '../../core/route/hop-options.ts'
import type { Chain } from '../../core/route/manual-route.ts'
import type { Way } from '../../core/route/tree.ts'
import type { ReportedHold } from '../../core/wire/control.ts'
import type { AskedHold, DatedReason, NoteCount, Reason } from '../db/reason.ts'
import type { Gap, JobKind, JobTargetState } from '../model.ts'
import type { Schedule } from '../schedules/next-time.ts'
import type { Awaited, RunProgress } from './nearly-there.ts'
import type { RecentBytes } from './recent-bytes.ts'
import type { BrokenStreams } from './rest.ts'

/**
 * What the engine holds of each policy, so that a change becomes a command without reading the database. The database
 * is the truth: this is loaded from it, and whatever changes here is written there before anyone hears of it.
 */
export interface PolicyRuntime {
  readonly policyId: string
  readonly name: string
  readonly version: number
  readonly plan: PlanPolicy
  /** When targets that were away may catch up, where that waits for a reserved time. */
  readonly recoverySchedule: Schedule | null
  readonly retry: { readonly attempts: number; readonly backoffMs: number }
  readonly rules: readonly RouteRule[]
  /** Whether a target holds all that the source sends, and so may serve others: names of those whom access lists name it does not. */
  readonly canServe: boolean
  /** The chains of a manual route; null for an automatic one. */
  readonly chains: readonly Chain[] | null
  readonly sources: Map<string, SourceRuntime>
  readonly bindings: Map<string, BindingRuntime>
  /** Jobs that have not ended, oldest first. */
  readonly jobs: Map<string, JobRuntime>
}

export interface SourceRuntime {
  readonly sourceId: string
  readonly policyId: string
  readonly serverId: string
  connected: boolean
  /** Since when it is away, at the earliest since the master's start; null while it is there. */
  awaySinceMs: number | null
  epoch: string | null
  /** The highest seq known to exist. */
  headSeq: number
  /** Up to here every change is recorded in this database. */
  recordedSeq: number
  completeAtMs: number | null
  gaps: Gap[]
  fileCount: number
  totalBytes: number
  error: Reason | null
  recentBytes: RecentBytes
  /** What it holds back until a person has said a word. */
  hold: ReportedHold | null
}

export interface BindingRuntime {
  readonly bindingId: string
  readonly policyId: string
  readonly sourceId: string
  readonly serverId: string
  connected: boolean
  /** The same as of a source. */
  awaySinceMs: number | null
  /** It reported since it connected. */
  reported: boolean
  /** Since when it is connected, or bound. */
  awaitedSinceMs: number
  /** It told its watermark since it connected, which one that cannot be opened does not. */
  watermarkTold: boolean
  drained: boolean
  watermark: Position | null
  pendingCount: number
  /** What it holds less of than was sent. */
  notes: readonly NoteCount[]
  error: Reason | null
  lastError: DatedReason | null
  /** What it does not do until a person has said a word. */
  hold: ReportedHold | null
  failures: number
  wasAway: boolean
  /** Since when it is back, after it was away; null while it is away, and once it has caught up. */
  returnedAtMs: number | null
  waivedSeq: number | null
  lastTry: { readonly atMs: number; readonly headSeq: number; readonly rounds: number } | null
  runningJobId: string | null
  /** By server: when it could not be reached from there, until something came from there again or the master started. */
  lostWays: Map<string, Pick<LostWay, 'atMs' | 'isSure'>>
  /** Streams that were passed on and that it broke since the start: it rests for a while. */
  broken: BrokenStreams | null
}

export interface JobRuntime {
  readonly jobId: string
  readonly policyId: string
  readonly kind: JobKind
  readonly to: Map<string, Position>
  readonly targets: Map<string, JobTargetRuntime>
  /** What the job asks a person about; null for any other job. */
  hold: AskedHold | null
  /** A person has answered, and the agent is being told. */
  isResolving: boolean
}

export interface JobTargetRuntime {
  readonly bindingId: string
  readonly sourceId: string
  readonly serverId: string
  state: JobTargetState
  /** Under which id its sender was told of it; null until then. */
  runId: string | null
  /** When anything was last heard of it, or it was last sent to the source. */
  heardAtMs: number
  /** Since when the target is known to hold everything while the sender's own report is still out. */
  reachedAtMs: number | null
  /** How this run was planned to reach it: what the relays on the way say of it is heard. */
  way: Way
  /** How often a stream of this job that was to reach it did not. */
  cutOffs: number
  /** How a relay said that it ended, while its own word is still out. */
  endedAs: 'done' | 'partial' | null
  /** Of the run that is under way; null where this master has not begun it. */
  progress: RunProgress | null
  /** While it is queued: who is about to hold what it lacks. */
  awaits: Awaited | null
}

/** Digits of a UUID of version 7 that are the time, and so many that it stays unique. */
const TIME_HEX = 12
const RUN_HEX = 24

/** By the source itself. */
export const DIRECTLY: Way = { holderId: null, relays: [], why: DIRECT }

/** The server that sends to a target: the source's, or one that holds what the source sent. Null where it is gone. */
export function senderOf(
  policy: PolicyRuntime,
  { sourceId, way }: Pick<JobTargetRuntime, 'sourceId' | 'way'>,
): Pick<SourceRuntime, 'serverId' | 'connected' | 'awaySinceMs'> | null {
  if (way.holderId === null) return policy.sources.get(sourceId) ?? null
  return policy.bindings.get(way.holderId) ?? null
}

/** The id of the job that a run belongs to. */
export function jobIdOf(runId: string): string {
  return runId.split('.')[0] ?? runId
}

/** A new id for another run of a job; it tells when that began. */
export function newRunId(jobId: string): string {
  return `${jobId}.${Bun.randomUUIDv7().replaceAll('-', '').slice(0, RUN_HEX)}`
}

/** When a run began, in ms since 1970: its id is of the kind that begins with the time. */
export function runAtMs(runId: string): number {
  const id = runId.slice(runId.indexOf('.') + 1).replaceAll('-', '')
  return Number.parseInt(id.slice(0, TIME_HEX), 16)
}

/** The states in which a job's target, or a job, still can change. */
export function isOpen(state: JobTargetState): boolean {
  return state === 'queued' || state === 'running' || state === 'held'
}

/** Tells whether a target has everything of its source up to a position. */
export function hasReached(watermark: Position | null, to: Position): boolean {
  return watermark !== null && watermark.epoch === to.epoch && watermark.seq >= to.seq
}
