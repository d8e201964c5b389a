import type { HoldOutcome, TargetPosition } from '../../core/apply/inbound.ts'
import { NO_NOTES } from '../../core/apply/notes.ts'
import { AppError, toAppError } from '../../core/base/errors.ts'
import type { Failure } from '../../core/base/result.ts'
import { RootChanged } from '../../core/change/known-root.ts'
import type { AgentMessageOf, MasterMessageOf, TargetConfig } from '../../core/wire/control.ts'
import { rootHold } from '../../core/wire/root-hold.ts'
import { type Clock, iso } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import { type AcceptRoot, type Bindings, bindingsAt } from './bindings.ts'
import { targetReport } from './reports.ts'
import { inTurns } from './turns.ts'

export interface TargetsOptions {
  readonly bindings: Bindings
  readonly acceptRoot: AcceptRoot
  readonly report: (message: AgentMessageOf<'targetReport' | 'holdResolved'>) => void
  readonly clock: Clock
  readonly log: Logger
}

type ResolveHold = MasterMessageOf<'resolveHold'>

interface Answered {
  readonly outcome: HoldOutcome
  /** Which stand elsewhere by it. */
  readonly targets: readonly TargetConfig[]
}

/** Why a target cannot be received into. */
interface Failing {
  readonly error: AppError
  readonly sinceMs: number
}

/** A target of which nothing is known. */
const NOWHERE: TargetPosition = {
  watermark: null,
  listed: null,
  pending: [],
  hold: null,
  held: [],
  kept: [],
  notes: NO_NOTES,
}

/** How often a root that was not there is looked for, and what is held, whether it is there still. */
const ROOT_EVERY_MS = 5000
const HELD_EVERY_MS = 60_000

/** Whether these have ended shows without writing anything. */
const ROOT_ERRORS: ReadonlySet<string> = new Set(['ROOT_MISSING', 'ROOT_CHANGED'])

/** Tells where the targets stand and what they hold, looks whether that has ended by itself, and takes answers. */
export class Targets {
  readonly #options: TargetsOptions
  /** Where each target stood when that was last told: also what is told of one that cannot be opened any more. */
  readonly #positions = new Map<string, TargetPosition>()
  /** Targets whose last report told a failure. */
  readonly #failing = new Map<string, Failing>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #looking = Promise.resolve()
  #heldLookedAtMs = Number.NEGATIVE_INFINITY
  #isStopped = false

  constructor(options: TargetsOptions) {
    this.#options = options
  }

  /** The bindings are others now: reports where each stands, and looks again from then on. */
  configured(): void {
    const { bindings } = this.#options
    for (const known of [this.#positions, this.#failing])
      for (const bindingId of known.keys())
        if (bindings.target(bindingId) === null) known.delete(bindingId)
    for (const target of bindings.targets) this.look(target)
    this.#lookAfter(0)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  isFailing(bindingId: string): boolean {
    return this.#failing.has(bindingId)
  }

  /** Reports where a target stands; with `changed`, of one that cannot be received into only what is new. */
  look(target: TargetConfig, what: 'all' | 'changed' = 'all'): void {
    try {
      const position = this.#options.bindings.open(target.bindingId)?.binding.position()
      if (position !== undefined) this.stands(target, position)
    } catch (thrown) {
      const error = toAppError(thrown)
      const known = this.#failing.get(target.bindingId)?.error
      if (what === 'all' || !isSameFailure(error, known)) this.#reportFailure(target, error)
    }
  }

  /** A target stands here. */
  stands(target: TargetConfig, position: TargetPosition): void {
    this.#failing.delete(target.bindingId)
    this.#positions.set(target.bindingId, position)
    this.#options.report(targetReport(target, position, null))
  }

  /** A target could not be received into, and was closed. */
  failed(target: TargetConfig, { code, message }: Failure): void {
    // Which folder lies there shows when it is opened.
    if (code === 'ROOT_CHANGED') this.look(target)
    else this.#reportFailure(target, new AppError(code, message))
  }

  /** Takes a person's word about what is held where a binding receives, and reports what became of it. Never rejects. */
  async resolveHold(request: ResolveHold): Promise<void> {
    const { report } = this.#options
    const answer = { type: 'holdResolved', requestId: request.requestId, position: null } as const
    try {
      const { outcome, targets } = await this.#answer(request)
      // What is held now is known before the answer that it is not what was shown; what follows from a word, after it.
      if (outcome !== 'done') for (const target of targets) this.look(target)
      report({ ...answer, outcome, error: null })
      if (outcome === 'done') for (const target of targets) this.look(target)
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      report({ ...answer, outcome: 'unknown', error: { code, message } })
    }
  }

  async #answer(request: ResolveHold): Promise<Answered> {
    const { place, fingerprint, decision } = request
    const { bindings } = this.#options
    const bindingId = place.kind === 'binding' ? place.bindingId : ''
    const target = bindings.target(bindingId)
    if (target === null) return { outcome: 'unknown', targets: [] }
    if (this.#failing.get(bindingId)?.error.code === 'ROOT_CHANGED')
      return this.#acceptRoot(target, request)
    const open = bindings.open(bindingId)
    if (open === null) return { outcome: 'unknown', targets: [target] }
    const outcome = await inTurns(open.binding.answer(fingerprint, decision))
    return { outcome, targets: [target] }
  }

  /** The word counts for everything that is received into the root. */
  #acceptRoot(target: TargetConfig, { fingerprint, decision }: ResolveHold): Answered {
    const { bindings, acceptRoot } = this.#options
    if (decision === 'keep') return { outcome: 'unknown', targets: [target] }
    const ids = bindingsAt(target)
    for (const bindingId of ids) bindings.drop(bindingId)
    if (!acceptRoot(target, fingerprint)) return { outcome: 'changed', targets: [target] }
    return { outcome: 'done', targets: ids.flatMap((id) => bindings.target(id) ?? []) }
  }

  #lookAfter(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#looking = this.#looking.then(() => this.#lookAgain())
      if (!this.#isStopped) this.#lookAfter(ROOT_EVERY_MS)
    }, delayMs)
  }

  /** Looks whether roots are back, and from time to time whether what is held is there still: nobody tells of either. */
  async #lookAgain(): Promise<void> {
    for (const [bindingId, { error }] of this.#failing) {
      const target = this.#isStopped ? null : this.#options.bindings.target(bindingId)
      if (target !== null && ROOT_ERRORS.has(error.code)) this.look(target, 'changed')
    }
    const nowMs = performance.now()
    if (nowMs - this.#heldLookedAtMs < HELD_EVERY_MS) return
    this.#heldLookedAtMs = nowMs
    for (const [bindingId, { hold }] of this.#positions)
      if (hold !== null && !this.#failing.has(bindingId)) await this.#lookAtHeld(bindingId)
  }

  async #lookAtHeld(bindingId: string): Promise<void> {
    const { bindings } = this.#options
    const target = this.#isStopped ? null : bindings.target(bindingId)
    if (target === null) return
    try {
      const open = bindings.open(bindingId)
      if (open !== null && (await inTurns(open.binding.lookAgain()))) this.look(target)
    } catch (thrown) {
      bindings.drop(bindingId)
      this.#reportFailure(target, toAppError(thrown))
    }
  }

  #reportFailure(target: TargetConfig, error: AppError): void {
    const { bindingId } = target
    const { log, clock, report } = this.#options
    log.error('target unusable', { bindingId, code: error.code, message: error.message })
    const known = this.#failing.get(bindingId)
    const sinceMs = known?.error.code === error.code ? known.sinceMs : clock.nowMs()
    this.#failing.set(bindingId, { error, sinceMs })
    const position = this.#positions.get(bindingId) ?? NOWHERE
    const hold = error instanceof RootChanged ? rootHold(error, iso(sinceMs)) : null
    report(targetReport(target, position, { error, hold }))
  }
}

function isSameFailure(error: AppError, known: AppError | undefined): boolean {
  return (
    error.code === known?.code &&
    error.message === known.message &&
    folderOf(error) === folderOf(known)
  )
}

function folderOf(error: AppError): string | null {
  return error instanceof RootChanged ? error.fingerprint : null
}
