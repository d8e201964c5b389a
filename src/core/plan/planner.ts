import type { Position } from '../change/entry.ts'
import { scopeBetween } from '../route/hop-options.ts'
import type { HopScope } from '../route/tree.ts'
import { type Holder, Holders } from './holders.ts'
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
      const holders = new Holders(source, state.targets)
      return [source, { holders, gatheredAtMs: gatheredAtMs(state, source) }]
    }),
  )
  for (const target of state.targets) {
    const source = sources.get(target.sourceId)
    const of = source === undefined ? undefined : ofSource.get(source)
    if (source === undefined || of === undefined) continue
    const decision = decide({ state, source, target, ...of })
    if (decision.start !== null) collect(starts, decision.start, target.bindingId)
    if (decision.wakeAtMs !== null) wakeAtMs = Math.min(wakeAtMs ?? Infinity, decision.wakeAtMs)
  }
  const jobs = [...starts.values()].map(({ job, bindingIds }) => ({ ...job, bindingIds }))
  return { jobs, wakeAtMs }
}

interface Question {
  readonly state: PlanState
  readonly source: PlanSource
  readonly target: PlanTarget
  readonly holders: Holders
  readonly gatheredAtMs: number
}

interface Decision {
  readonly start: PlannedJob | null
  readonly wakeAtMs: number | null
}

const NOTHING: Decision = { start: null, wakeAtMs: null }

function decide(question: Question): Decision {
  const { state, source, target } = question
  if (target.runningJobId !== null || source.epoch === null || !canReceive(target)) return NOTHING
  const goal = goalOf(question)
  if (goal !== null) return { start: goal, wakeAtMs: null }
  const sender = senderFor(question)
  if (sender === null) return NOTHING
  const headSeq = Math.max(sender.seq, source.headSeq)
  const kind = state.policy.mode === 'realtime' ? kindOf(source, target, headSeq) : null
  if (kind === null || isWaived(target, source)) return NOTHING
  const allowedAtMs = target.wasAway ? recoverAtMs(state.policy, target) : 0
  if (allowedAtMs === null) return NOTHING
  const gatherMs = kind === 'initial' && target.lastTry === null ? question.gatheredAtMs : 0
  const waitUntilMs = Math.max(allowedAtMs, gatherMs, waitOf(target, source))
  if (waitUntilMs > state.nowMs) return { start: null, wakeAtMs: waitUntilMs }
  return { start: newJob(source, kind, sender), wakeAtMs: null }
}

function canReceive({ connected, reported, drained, hold }: PlanTarget): boolean {
  // Where another folder lies it would be refused each time; its agent says when the known one is back.
  return connected && reported && !drained && hold?.code !== 'ROOT_CHANGED'
}

/** There must be something to send: a first list follows the scan and ends with it. */
function canSend(source: PlanSource): boolean {
  return source.connected && (source.scanned || source.headSeq > 0)
}

/** Who sends, and up to where. */
interface Sender {
  readonly holderId: string | null
  readonly seq: number
}

/**
 * The source sends what is new. Whoever has more to make up gets it from somebody nearer that holds nearly all of it, and
 * from whoever holds most where the source is away; another one each time that failed.
 */
function senderFor(question: Question): Sender | null {
  const { source, target, holders } = question
  if (!canSend(source)) {
    const ahead = holders.ahead(target).toSorted((one, other) => other.seq - one.seq)
    const holder = ahead[target.failures % ahead.length]
    return holder === undefined ? null : { holderId: holder.bindingId, seq: holder.seq }
  }
  const itself = { holderId: null, seq: source.headSeq }
  const isCatchingUp = target.wasAway || !isSameEpoch(target.watermark, source)
  if (!isCatchingUp || target.failures > 0) return itself
  const near = nearHolder(question)
  return near === null ? itself : { holderId: near.bindingId, seq: near.seq }
}

/** What a near holder lacks of what a target does is at most one part in so many. */
const NEARLY_ALL = 10

function nearHolder(question: Question): Holder | null {
  const { source, target, holders } = question
  const from = isSameEpoch(target.watermark, source) ? target.watermark.seq : 0
  const holder = holders.ahead(target).find((one) => {
    return isNearer(one, question) && (source.headSeq - one.seq) * NEARLY_ALL <= one.seq - from
  })
  return holder ?? null
}

/** Nearer than the source is. */
function isNearer({ scope }: Holder, { source, target }: Question): boolean {
  if (source.place === null || target.place === null) return false
  return FARNESS[scope] < FARNESS[scopeBetween(source.place, target.place)]
}

const FARNESS: Record<HopScope, number> = { group: 0, region: 1, international: 2 }

/** In mode `manual` everything waits for a person, so this is asked in the others. */
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

/**
 * What is asked for is sent by another target only where that has all of it: by a near one to who was away or was cut off.
 */
function goalOf(question: Question): PlannedJob | null {
  const { state, source, target, holders } = question
  const goal = state.goals.find(({ bindingIds }) => bindingIds.includes(target.bindingId))
  if (goal === undefined) return null
  const epoch = source.epoch ?? ''
  const seq = goal.to.epoch === epoch ? goal.to.seq : source.headSeq
  const { jobId } = goal
  const job = { jobId, sourceId: source.sourceId, kind: 'manual', to: { epoch, seq } } as const
  const whole = holders.ahead(target).filter((one) => one.seq >= seq)
  if (canSend(source)) {
    const isBehind = target.wasAway || goal.cutOff.includes(target.bindingId)
    const near =
      isBehind && target.failures === 0 ? whole.find((one) => isNearer(one, question)) : undefined
    return { ...job, holderId: near?.bindingId ?? null, bindingIds: [] }
  }
  const holder = whole[target.failures % whole.length]
  return holder === undefined ? null : { ...job, holderId: holder.bindingId, bindingIds: [] }
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
