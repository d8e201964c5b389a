import type { Position } from '../change/entry.ts'
import { CUT_OFF_MS, Holders } from './holders.ts'
import { type Sender, type SenderQuestion, canSend, senderFor, senderOfGoal } from './sender.ts'
import type {
  PlannedJob,
  PlannedKind,
  PlanPolicy,
  PlanSource,
  PlanState,
  PlanTarget,
  Plan,
} from './state.ts'

/** Tried again this long after the first failure, then twice as long each time. */
const RETRY_FIRST_MS = 2000
/** What failed is tried again at the latest after this long, whether its cause is known to have ended or not. */
export const RETRY_MAX_MS = 300_000

/** A first run waits so long for targets that were only just told of it: they can share what it carries. */
export const GATHER_MS = 3000

/** When a target that failed so often in a row, the last time at `failedAtMs`, is tried again. */
export function retryAtMs(failures: number, failedAtMs: number): number {
  return failedAtMs + Math.min(RETRY_FIRST_MS * 2 ** Math.max(0, failures - 1), RETRY_MAX_MS)
}

/**
 * Decides which jobs start now and when to look again. Pure: the same state gives the same plan.
 *
 * A target has at most one running job per binding, so a slow one delays only itself; what changes meanwhile goes into
 * its next job. Targets that start for the same reason share a job, since they get the same content.
 */
export function plan(state: PlanState): Plan {
  if (!state.policy.enabled || !state.licensed) return { jobs: [], wakeAtMs: null }
  const starts = new Map<string, { job: PlannedJob; bindingIds: string[] }>()
  let wakeAtMs: number | null = null
  const sources = new Map(state.sources.map((source) => [source.sourceId, source]))
  const ofSource = new Map(
    state.sources.map((source) => {
      const holders = new Holders(source, state.targets, state.nowMs)
      return [source, { holders, gatheredAtMs: gatheredAtMs(state, source) }]
    }),
  )
  const waysAtMs = nextWayAtMs(state)
  for (const target of state.targets) {
    const source = sources.get(target.sourceId)
    const of = source === undefined ? undefined : ofSource.get(source)
    if (source === undefined || of === undefined) continue
    const decision = decide({ state, source, target, waysAtMs, ...of })
    if (decision.start !== null) collect(starts, decision.start, target.bindingId)
    if (decision.wakeAtMs !== null) wakeAtMs = Math.min(wakeAtMs ?? Infinity, decision.wakeAtMs)
  }
  const jobs = [...starts.values()].map(({ job, bindingIds }) => ({ ...job, bindingIds }))
  return { jobs, wakeAtMs }
}

interface Question extends SenderQuestion {
  readonly state: PlanState
  readonly gatheredAtMs: number
  /** When a way that was lost is next tried again. */
  readonly waysAtMs: number
}

interface Decision {
  readonly start: PlannedJob | null
  readonly wakeAtMs: number | null
}

const NOTHING: Decision = { start: null, wakeAtMs: null }

function decide(question: Question): Decision {
  const { state, source, target } = question
  if (target.runningJobId !== null || source.epoch === null || !canReceive(target)) return NOTHING
  if (target.waitUntilMs !== null && target.waitUntilMs > state.nowMs)
    return { start: null, wakeAtMs: target.waitUntilMs }
  const goal = goalOf(question)
  if (goal !== null) return { start: goal, wakeAtMs: null }
  // In mode `manual` everything else waits for a person.
  if (state.policy.mode !== 'realtime') return NOTHING
  const sender = senderFor(question)
  if (sender === null) return { start: null, wakeAtMs: lookAgainAtMs(question) }
  const headSeq = Math.max(sender.seq, source.headSeq)
  const kind = kindOf(source, target, headSeq)
  if (kind === null || isWaived(target, source)) return NOTHING
  const allowedAtMs = target.wasAway ? recoverAtMs(state.policy, target) : 0
  if (allowedAtMs === null) return NOTHING
  const gatherMs = kind === 'initial' && target.lastTry === null ? question.gatheredAtMs : 0
  const waitUntilMs = Math.max(allowedAtMs, gatherMs, waitOf(target, source))
  if (waitUntilMs > state.nowMs) return { start: null, wakeAtMs: waitUntilMs }
  return { start: newJob(source, kind, sender), wakeAtMs: null }
}

/** Where only the way from the source is broken, that is tried again after a while; else something must happen first. */
function lookAgainAtMs({ source, waysAtMs }: Question): number | null {
  return canSend(source) ? waysAtMs : null
}

/** Counted from when a way was lost: from now on it would be put off by whatever else happens meanwhile. */
function nextWayAtMs({ targets, nowMs }: PlanState): number {
  const ways = targets.flatMap(({ lostWays }) => lostWays)
  const ends = ways.map(({ atMs }) => atMs + CUT_OFF_MS).filter((atMs) => atMs > nowMs)
  return ends.reduce((one, other) => Math.min(one, other), nowMs + CUT_OFF_MS)
}

function canReceive({ connected, reported, drained, hold }: PlanTarget): boolean {
  // Where another folder lies it would be refused each time; its agent says when the known one is back.
  return connected && reported && !drained && hold?.code !== 'ROOT_CHANGED'
}

function kindOf(source: PlanSource, target: PlanTarget, headSeq: number): PlannedKind | null {
  if (!isSameEpoch(target.watermark, source)) return 'initial'
  const behind = target.watermark.seq < headSeq
  if (target.pendingCount > 0 || target.failures > 0 || target.wasAway) {
    return behind || target.pendingCount > 0 ? 'recovery' : null
  }
  return behind ? 'realtime' : null
}

/** From when on a target that was away may catch up; null where that waits for a person, or for a time nobody knows. */
function recoverAtMs({ recovery }: PlanPolicy, target: PlanTarget): number | null {
  if (recovery === 'manual') return null
  return recovery === 'reserved' ? target.recoverAtMs : 0
}

/**
 * Until when a target is left alone after it failed: at most five minutes. What is new since it failed may have
 * removed the cause, but must not make it try without a pause.
 */
function waitOf(target: PlanTarget, source: PlanSource): number {
  if (target.lastTry === null) return 0
  const { failures, pendingCount } = target
  if (failures === 0 && pendingCount === 0) return 0
  const hasNews = target.lastTry.headSeq < source.headSeq && failures === 0
  if (hasNews) return 0
  return retryAtMs(Math.max(failures, target.lastTry.rounds), target.lastTry.atMs)
}

/** Until when the first runs of a source wait for targets whose word is due. */
function gatheredAtMs(state: PlanState, source: PlanSource): number {
  const awaited = state.targets.filter(
    ({ sourceId, connected, reported, drained, awaitedSinceMs }) =>
      sourceId === source.sourceId &&
      connected &&
      !reported &&
      !drained &&
      // A clock that was set back must not make anyone wait for long.
      awaitedSinceMs <= state.nowMs,
  )
  return awaited.reduce((atMs, one) => Math.max(atMs, one.awaitedSinceMs + GATHER_MS), 0)
}

function isWaived(target: PlanTarget, source: PlanSource): boolean {
  return target.waivedSeq !== null && source.headSeq <= target.waivedSeq
}

function isSameEpoch(watermark: Position | null, source: PlanSource): watermark is Position {
  return watermark !== null && watermark.epoch === source.epoch
}

function newJob(source: PlanSource, kind: PlannedKind, { holderId, seq }: Sender): PlannedJob {
  const to = { epoch: source.epoch ?? '', seq }
  return { jobId: null, sourceId: source.sourceId, holderId, kind, to, bindingIds: [] }
}

function goalOf(question: Question): PlannedJob | null {
  const { state, source, target } = question
  const goal = state.goals.find(({ bindingIds }) => bindingIds.includes(target.bindingId))
  if (goal === undefined) return null
  const epoch = source.epoch ?? ''
  const seq = goal.to.epoch === epoch ? goal.to.seq : source.headSeq
  const sender = senderOfGoal(question, goal, seq)
  if (sender === null) return null
  const { jobId } = goal
  const of = { sourceId: source.sourceId, holderId: sender.holderId }
  return { jobId, ...of, kind: 'manual', to: { epoch, seq }, bindingIds: [] }
}

function collect(
  starts: Map<string, { job: PlannedJob; bindingIds: string[] }>,
  job: PlannedJob,
  bindingId: string,
): void {
  const key = `${job.sourceId} ${job.holderId} ${job.kind} ${job.jobId}`
  const known = starts.get(key)
  if (known === undefined) starts.set(key, { job, bindingIds: [bindingId] })
  else known.bindingIds.push(bindingId)
}
