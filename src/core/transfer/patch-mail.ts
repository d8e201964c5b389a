import type { Base, PatchFrame, SignatureRequest } from '../wire/patch-frames.ts'
import { isSignatureOf } from './incoming-patch.ts'

/** A stretch whose blocks were asked for; `blocks` is null until they come. */
export interface AskedSignature {
  readonly request: SignatureRequest
  blocks: Uint8Array | null
}

/** What a target says about the bases that it holds, as far as it is due. */
export class PatchMail {
  /** Offered for the set whose `wanted` comes next. */
  #offered: readonly Base[] | null = null
  /** By the set's number. */
  readonly #bases = new Map<number, readonly Base[]>()
  readonly #asked: AskedSignature[] = []
  /** Patches that were sent, by index. */
  readonly #ended = new Map<number, 'sent' | 'rebuilt' | 'failed'>()

  /** Takes a frame; false where it is not due or cannot be. `isOfferDue`: an answer to a set is to come. */
  take(frame: PatchFrame, isOfferDue: boolean): boolean {
    if (frame.type === 'bases') return isOfferDue && this.#takeOffer(frame.bases)
    if (frame.type === 'signature') return this.#takeSignature(frame.blocks)
    if (frame.type !== 'patchDone' || this.#ended.get(frame.index) !== 'sent') return false
    this.#ended.set(frame.index, frame.isRebuilt ? 'rebuilt' : 'failed')
    return true
  }

  /** The set of this number has its answer: what was offered belongs to it. */
  answered(ordinal: number): void {
    if (this.#offered !== null) this.#bases.set(ordinal, this.#offered)
    this.#offered = null
  }

  /** By index: the bases for a set; what came for those before it is dropped. */
  takeBases(ordinal: number): ReadonlyMap<number, Base> {
    const bases = this.#bases.get(ordinal) ?? []
    for (const earlier of this.#bases.keys()) if (earlier <= ordinal) this.#bases.delete(earlier)
    return new Map(bases.map((base) => [base.index, base]))
  }

  ask(request: SignatureRequest): AskedSignature {
    const asked: AskedSignature = { request, blocks: null }
    this.#asked.push(asked)
    return asked
  }

  /** A patch was sent to its end. */
  sent(index: number): void {
    this.#ended.set(index, 'sent')
  }

  get isWaiting(): boolean {
    return [...this.#ended.values()].includes('sent')
  }

  /** The patches of a set that the target could not use, once all have been answered. */
  takeFailed(): number[] {
    const failed = [...this.#ended].filter(([, state]) => state === 'failed')
    this.#ended.clear()
    return failed.map(([index]) => index)
  }

  #takeOffer(bases: readonly Base[]): boolean {
    if (this.#offered !== null) return false
    this.#offered = bases
    return true
  }

  #takeSignature(blocks: Uint8Array): boolean {
    const asked = this.#asked[0]
    if (asked === undefined || !isSignatureOf(asked.request, blocks)) return false
    this.#asked.shift()
    // The bytes of a frame are valid only until it has been taken.
    asked.blocks = blocks.slice()
    return true
  }
}
