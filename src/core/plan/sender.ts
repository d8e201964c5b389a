import { scopeBetween } from '../route/hop-options.ts'
import type { HopScope } from '../route/tree.ts'
import type { Holder, Holders } from './holders.ts'
import type { PlanGoal, PlanSource, PlanTarget } from './state.ts'

/** Who sends, and up to where. */
export interface Sender {
  /** Null for the source itself. */
  readonly holderId: string | null
  readonly seq: number
}

export interface SenderQuestion {
  readonly source: PlanSource
  readonly target: PlanTarget
  readonly holders: Holders
}

/** There must be something to send: a first list follows the scan and ends with it. */
export function canSend(source: PlanSource): boolean {
  return source.connected && (source.scanned || source.headSeq > 0)
}

/**
 * The source sends what is new. Whoever has more to make up gets it from somebody nearer that holds nearly all of it. Where
 * the source is away, whoever holds most sends; where only the way from it is broken, the nearest that holds more. Another
 * one is asked each time that failed. Null where nobody can at the moment.
 */
export function senderFor(question: SenderQuestion): Sender | null {
  const { source, target, holders } = question
  if (!canSend(source)) {
    const byMost = holders.ahead(target).toSorted((one, other) => other.seq - one.seq)
    return asSender(byMost[target.failures % byMost.length])
  }
  if (holders.isCutOff(target)) {
    const ahead = holders.ahead(target)
    const holder = asSender(ahead[target.failures % ahead.length])
    // What is to come here comes to one of those first.
    if (holder !== null || holders.hasOthers(target)) return holder
  }
  const itself = { holderId: null, seq: source.headSeq }
  const isCatchingUp = target.wasAway || target.watermark?.epoch !== source.epoch
  if (!isCatchingUp || target.failures > 0) return itself
  return asSender(nearHolder(question)) ?? itself
}

/** The same for what is asked for up to a seq: another target sends only where it has all of that. */
export function senderOfGoal(question: SenderQuestion, goal: PlanGoal, seq: number): Sender | null {
  const { source, target, holders } = question
  const whole = holders.ahead(target).filter((one) => one.seq >= seq)
  const another = asSender(whole[target.failures % whole.length])
  if (!canSend(source)) return another
  const itself = { holderId: null, seq }
  if (holders.isCutOff(target)) return another ?? (holders.hasOthers(target) ? null : itself)
  const wasLeftOut = goal.cutOff.includes(target.bindingId)
  if (!(target.wasAway || wasLeftOut) || target.failures > 0) return itself
  // Whoever is in its group has just got it from there, also where the source is as near.
  const isNear = (one: Holder) => isNearer(one, question) || (wasLeftOut && one.scope === 'group')
  return asSender(whole.find(isNear)) ?? itself
}

function asSender(holder: Holder | null | undefined): Sender | null {
  return holder == null ? null : { holderId: holder.bindingId, seq: holder.seq }
}

/** What a near holder lacks of what a target does is at most one part in so many. */
const NEARLY_ALL = 10

function nearHolder(question: SenderQuestion): Holder | undefined {
  const { source, target, holders } = question
  const from = target.watermark?.epoch === source.epoch ? (target.watermark?.seq ?? 0) : 0
  return holders.ahead(target).find((one) => {
    return isNearer(one, question) && (source.headSeq - one.seq) * NEARLY_ALL <= one.seq - from
  })
}

/** Nearer than the source is. */
function isNearer({ scope }: Holder, { source, target }: SenderQuestion): boolean {
  if (source.place === null || target.place === null) return false
  return FARNESS[scope] < FARNESS[scopeBetween(source.place, target.place)]
}

const FARNESS: Record<HopScope, number> = { group: 0, region: 1, international: 2 }
