import type { BaseFile, BaseVersion } from '../../core/apply/base-file.ts'
import type { ApplyBinding } from '../../core/apply/inbound-binding.ts'
import type {
  HoldOutcome,
  InboundBinding,
  InboundFile,
  InboundSet,
  OwnContent,
  SetHeader,
  SetOutcome,
  TargetPosition,
} from '../../core/apply/inbound.ts'
import type { HoldDecision } from '../../core/apply/index-store.ts'
import type { Working } from '../../core/base/working.ts'
import type { ContentHash, Entry } from '../../core/change/entry.ts'

export interface RootCheck {
  /** Throws where the root is not the known one. */
  check(): void
  /** Remembers the root, before the first set writes into it. */
  learn(): void
  /** Takes the turn to write there; false while another binding of the same root has it. */
  takeTurn(holder: object): boolean
  endTurn(holder: object): void
}

/** A binding that looks at its root before every step that writes. */
export class GuardedBinding implements InboundBinding {
  readonly #inner: ApplyBinding
  readonly #root: RootCheck

  constructor(inner: ApplyBinding, root: RootCheck) {
    this.#inner = inner
    this.#root = root
  }

  position(): TargetPosition {
    return this.#inner.position()
  }

  begin(header: SetHeader, entries: readonly Entry[]): InboundSet {
    this.#root.check()
    this.#root.learn()
    return new GuardedSet(this.#inner.begin(header, entries), this.#root)
  }

  kept(epoch: string): Working<OwnContent[]> {
    return this.#inner.kept(epoch)
  }

  answer(fingerprint: string, decision: HoldDecision): Working<HoldOutcome> {
    this.#root.check()
    return this.#inner.answer(fingerprint, decision)
  }

  lookAgain(): Working<boolean> {
    this.#root.check()
    return this.#inner.lookAgain()
  }
}

class GuardedSet implements InboundSet {
  readonly #inner: InboundSet
  readonly #root: RootCheck

  constructor(inner: InboundSet, root: RootCheck) {
    this.#inner = inner
    this.#root = root
  }

  survey(): Working<readonly number[]> {
    return this.#inner.survey()
  }

  openFile(seq: number, keptBytes?: number): InboundFile {
    return this.#inner.openFile(seq, keptBytes)
  }

  putFile(seq: number, bytes: Uint8Array): ContentHash {
    return this.#inner.putFile(seq, bytes)
  }

  base(seq: number): BaseVersion | null {
    return this.#inner.base(seq)
  }

  openBase(seq: number): BaseFile | null {
    return this.#inner.openBase(seq)
  }

  *apply(...end: Parameters<InboundSet['apply']>): Working<SetOutcome> {
    while (!this.#root.takeTurn(this)) yield
    try {
      this.#root.check()
      return yield* this.#inner.apply(...end)
    } finally {
      this.#root.endTurn(this)
    }
  }

  discard(): void {
    this.#inner.discard()
    this.#root.endTurn(this)
  }
}
