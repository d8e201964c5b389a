import type { InboundBinding } from '../../core/apply/inbound.ts'
import { type Failure, type Result, failure, success } from '../../core/base/result.ts'
import type { TargetConfig } from '../../core/wire/control.ts'

/** A target folder that is open for receiving. */
export interface OpenTarget {
  readonly binding: InboundBinding
  /** True where the root holds nothing, so that nothing there can be the same as what comes. */
  isEmpty(): boolean
  close(): void
}

/** Opens a target; throws AppError where its root is not there or not the known one. */
export type TargetOpener = (target: TargetConfig) => OpenTarget

/** Takes the folder at a target's path for its root, if it is the one that `fingerprint` names; false where it is not. */
export type AcceptRoot = (target: TargetConfig, fingerprint: string) => boolean

/** All bindings of a target's root: those by which other sources of the policy come there as well. */
export function bindingsAt({ bindingId, union }: TargetConfig): string[] {
  return [bindingId, ...(union?.others ?? []).map((other) => other.bindingId)]
}

/** Who receives into a binding. */
export interface BindingHolder {
  readonly peerId: string
  /** When the run that it receives began, by its ticket. */
  readonly runAtMs: number
  /** Gives the job up: what was staged is dropped before this returns, and the peer is told why. */
  abort(failure: Failure): void
}

/** Targets kept open for their next job: each holds file descriptors. */
const OPEN_MAX = 256

interface Slot {
  target: TargetConfig
  open: OpenTarget | null
  holder: BindingHolder | null
}

/** The bindings that this server receives for: one job at a time each. */
export class Bindings {
  readonly #opener: TargetOpener
  readonly #slots = new Map<string, Slot>()
  readonly #open = new Set<Slot>()

  constructor(opener: TargetOpener) {
    this.#opener = opener
  }

  get targets(): readonly TargetConfig[] {
    return [...this.#slots.values()].map((slot) => slot.target)
  }

  target(bindingId: string): TargetConfig | null {
    return this.#slots.get(bindingId)?.target ?? null
  }

  /** Takes the bindings as they are from now on. A job into one that is gone or another is given up. */
  configure(targets: readonly TargetConfig[]): void {
    const next = new Map(targets.map((target) => [target.bindingId, target]))
    for (const [bindingId, slot] of this.#slots) {
      const target = next.get(bindingId)
      if (target !== undefined && isSame(target, slot.target)) continue
      const message = `binding "${bindingId}" ${target === undefined ? 'is gone' : 'has changed'}`
      slot.holder?.abort({ code: 'BINDING_UNKNOWN', message })
      this.#closeSlot(slot)
      this.#slots.delete(bindingId)
    }
    for (const target of targets) {
      const slot = this.#slots.get(target.bindingId)
      if (slot !== undefined) slot.target = target
      else this.#slots.set(target.bindingId, { target, open: null, holder: null })
    }
  }

  /** Gives the open target, opening it where need be; throws as the opener does. */
  open(bindingId: string): OpenTarget | null {
    const slot = this.#slots.get(bindingId)
    return slot === undefined ? null : this.#opened(slot)
  }

  /**
   * Takes a binding for a job. A sender that comes again has lost its first connection, whether this side knows or not,
   * so its old job gives way. To another sender it gives way only where the master began that run later, because what
   * was sent before does not come through any more; else BINDING_BUSY.
   */
  acquire(bindingId: string, holder: BindingHolder): Result<OpenTarget> {
    const slot = this.#slots.get(bindingId)
    if (slot === undefined)
      return failure('BINDING_UNKNOWN', `binding "${bindingId}" is not known here`)
    const { holder: before } = slot
    const isSame = before?.peerId === holder.peerId
    if (before !== null && !isSame && before.runAtMs >= holder.runAtMs)
      return failure('BINDING_BUSY', `binding "${bindingId}" receives from "${before.peerId}"`)
    const message = `binding "${bindingId}" was opened ${isSame ? 'again by the same server' : 'by a later run'}`
    before?.abort({ code: 'BINDING_BUSY', message })
    const open = this.#opened(slot)
    slot.holder = holder
    return success(open)
  }

  release(bindingId: string, holder: BindingHolder): void {
    const slot = this.#slots.get(bindingId)
    if (slot?.holder === holder) slot.holder = null
  }

  /** Closes a target after an error, so that the next job opens it anew. */
  drop(bindingId: string): void {
    const slot = this.#slots.get(bindingId)
    if (slot !== undefined) this.#closeSlot(slot)
  }

  close(): void {
    this.configure([])
  }

  #opened(slot: Slot): OpenTarget {
    slot.open ??= this.#opener(slot.target)
    // The least recently used come first.
    this.#open.delete(slot)
    this.#open.add(slot)
    for (const each of this.#open) {
      if (this.#open.size <= OPEN_MAX) break
      if (each.holder === null && each !== slot) this.#closeSlot(each)
    }
    return slot.open
  }

  #closeSlot(slot: Slot): void {
    slot.open?.close()
    slot.open = null
    this.#open.delete(slot)
  }
}

/** The revision alone is no reason to break a job off: it grows with every change of the policy. */
function isSame(left: TargetConfig, right: TargetConfig): boolean {
  return Bun.deepEquals({ ...left, policyRevision: 0 }, { ...right, policyRevision: 0 })
}
