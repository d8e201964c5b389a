import type { Reason } from '../db/reason.ts'
import type { ConvergenceState } from '../model.ts'

/** One target with regard to one source. */
export interface TargetFacts {
  readonly enabled: boolean
  readonly mode: 'realtime' | 'manual' | 'reserved'
  readonly recovery: 'immediate' | 'manual' | 'reserved'
  readonly source: {
    readonly connected: boolean
    readonly epoch: string | null
    readonly headSeq: number
    readonly scanned: boolean
    readonly gapCount: number
    readonly error: Reason | null
    readonly hold: Reason | null
  }
  readonly target: {
    readonly connected: boolean
    readonly drained: boolean
    readonly epoch: string | null
    readonly appliedSeq: number
    readonly pendingCount: number
    readonly wasAway: boolean
    /** When it may catch up, where that waits for a reserved time. */
    readonly recoversAt: string | null
    readonly error: Reason | null
    readonly lastError: Reason | null
    readonly firstPending: Reason | null
    readonly hold: Reason | null
  }
}

export interface JudgedState {
  readonly state: ConvergenceState
  readonly reason: Reason | null
}

/** What a target waits for a person's word on. */
const HOLDS: ReadonlySet<string> = new Set(['FIRST_CONTACT', 'MAX_DELETE', 'ROOT_CHANGED'])

/**
 * Says how a target stands to a source. What is wrong goes before what is merely late, and nobody is called converged
 * while the source could hold something that nobody knows of.
 */
export function judgeTarget(facts: TargetFacts): JudgedState {
  const { source, target } = facts
  const trouble = target.error ?? (target.pendingCount > 0 ? pendingReason(facts) : null)
  if (trouble !== null) return troubled(trouble)
  if (target.hold !== null) return { state: 'held', reason: target.hold }
  if (source.hold !== null) return { state: 'held', reason: source.hold }
  if (source.epoch === null) return unknown('SOURCE_UNAVAILABLE', 'the source has not reported yet')
  const isBehind = target.epoch !== source.epoch || target.appliedSeq < source.headSeq
  if (isBehind) return judgeBehind(facts)
  if (!source.connected) return unknown('SOURCE_UNAVAILABLE', 'the source is not connected')
  if (source.error !== null) return { state: 'unknown', reason: source.error }
  if (!source.scanned || source.gapCount > 0)
    return unknown('SOURCE_UNAVAILABLE', 'the source is being scanned')
  return { state: 'converged', reason: null }
}

function judgeBehind(facts: TargetFacts): JudgedState {
  const { source, target } = facts
  if (!facts.enabled) return waiting('the policy is paused')
  if (target.drained) return waiting('the server is drained')
  if (!target.connected) return behind('PEER_UNREACHABLE', 'the target is not connected')
  if (!source.connected) return behind('SOURCE_UNAVAILABLE', 'the source is not connected')
  if (target.lastError !== null) return troubled(target.lastError)
  if (facts.mode === 'manual') return waiting('a person starts each run')
  if (target.wasAway && facts.recovery === 'manual') return waiting('a person starts the recovery')
  if (target.wasAway && target.recoversAt !== null)
    return waiting(`the recovery is reserved for ${target.recoversAt}`)
  return { state: 'behind', reason: null }
}

function troubled(reason: Reason): JudgedState {
  return { state: HOLDS.has(reason.code) ? 'held' : 'failed', reason }
}

function pendingReason({ target }: TargetFacts): Reason {
  const message = `${target.pendingCount} entries could not be applied`
  return target.firstPending ?? { code: 'IO_ERROR', message }
}

function unknown(code: string, message: string): JudgedState {
  return { state: 'unknown', reason: { code, message } }
}

function behind(code: string, message: string): JudgedState {
  return { state: 'behind', reason: { code, message } }
}

/** Waiting is nothing wrong, so the reason's code says only that nothing was begun. */
function waiting(message: string): JudgedState {
  return { state: 'waiting', reason: { code: 'WAITING', message } }
}
