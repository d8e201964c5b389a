import { assert } from '../base/assert.ts'
import type { Working } from '../base/working.ts'
import type { Entry } from '../change/entry.ts'
import { LocalOwners } from './accounts.ts'
import { answerHold, lookAgain } from './answering.ts'
import { comesAgain } from './conflicts.ts'
import { ApplyingSet } from './inbound-set.ts'
import type {
  HoldOutcome,
  InboundBinding,
  InboundSet,
  OwnContent,
  SetHeader,
  TargetPosition,
} from './inbound.ts'
import { type HoldDecision, noChange } from './index-store.ts'
import { MetadataWriter } from './metadata.ts'
import type { ApplyDependencies } from './options.ts'
import { Partials } from './partials.ts'
import { endStaging } from './recovery.ts'
import { isRefusal } from './refusal.ts'
import { checkHeader } from './selection.ts'
import { Standing } from './standing.ts'
import { isEmpty } from './strangers.ts'

const NOWHERE = -1

/** Receives the sets of one binding into its tree and index. `recover` comes before anything else. */
export class ApplyBinding implements InboundBinding {
  readonly #deps: ApplyDependencies
  readonly #metadata: MetadataWriter
  readonly #partials: Partials
  readonly #owners: LocalOwners
  readonly #standing: Standing
  #isBusy = false
  /** A set was dropped and its staging folder could not be ended: the next set must not begin before it is. */
  #isUnclean = false
  /** Where the full list that runs goes on; it does not outlive the process, the source then begins it again. */
  #resumeAt = NOWHERE
  /** Something lay there when that list began. */
  #mayHoldStrangers = true

  constructor(deps: ApplyDependencies) {
    this.#deps = deps
    this.#metadata = new MetadataWriter(deps)
    this.#partials = new Partials(deps)
    this.#owners = new LocalOwners(deps.accounts, deps.notice)
    this.#standing = new Standing(deps)
  }

  /** Ends what an unclean stop left in the tree. Throws AppError where the tree refuses it. */
  recover(): void {
    assert(!this.#isBusy, 'nothing is recovered under a set')
    this.#isUnclean = true
    this.#partials.survey()
    endStaging(this.#deps, this.#metadata, (name) => this.#partials.has(name))
    this.#isUnclean = false
  }

  /** Takes up what changed among the sources since the last time: what nobody goes before any more must come again. */
  reconsider(): void {
    const { index } = this.#deps
    const others = comesAgain(this.#deps)
    if (others.length > 0) index.commit({ ...noChange(index), others })
  }

  position(): TargetPosition {
    return this.#standing.position()
  }

  /** Throws PROTOCOL where the set does not follow on what was applied. */
  begin(header: SetHeader, entries: readonly Entry[]): InboundSet {
    assert(!this.#isBusy, 'one set at a time')
    if (this.#isUnclean) this.recover()
    checkHeader(header, this.#deps.index.watermark(), this.#resumeAt)
    const isNewList = header.kind === 'full' && header.from === 0
    if (isNewList) this.#mayHoldStrangers = !isEmpty(this.#deps.tree)
    const list = this.#deps.index.list() + (isNewList ? 1 : 0)
    const ended = (isApplied: boolean) => this.#ended(header, isApplied)
    const parts = {
      deps: this.#deps,
      metadata: this.#metadata,
      partials: this.#partials,
      standing: this.#standing,
      mayHoldStrangers: this.#mayHoldStrangers,
    }
    const local = this.#owners.of(entries)
    const context = { ...parts, header, list, ended, unknownOwners: local.unknown }
    const set = new ApplyingSet(context, local.entries)
    this.#isBusy = true
    return set
  }

  *kept(epoch: string): Working<OwnContent[]> {
    assert(!this.#isBusy, 'nothing is offered under a set')
    if (this.#isUnclean) this.recover()
    return yield* this.#partials.offer(epoch)
  }

  answer(fingerprint: string, decision: HoldDecision): Working<HoldOutcome> {
    return answerHold(this.#deps, this.#standing, { fingerprint, decision })
  }

  lookAgain(): Working<boolean> {
    return lookAgain(this.#deps, this.#standing)
  }

  #ended(header: SetHeader, isApplied: boolean): void {
    this.#isBusy = false
    if (!isApplied) this.#endDropped()
    if (header.kind === 'full') this.#resumeAt = isApplied && !header.last ? header.to : NOWHERE
  }

  /** Dropping a set is safe at any time: what the disk refuses now is tried again before the next set. */
  #endDropped(): void {
    try {
      this.recover()
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      this.#deps.notice(`cannot clear the staging folder: ${thrown.message}`)
    }
  }
}
