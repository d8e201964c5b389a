import { CHANGES_PAGE_MAX } from '../core/base/limits.ts'
import type { Journal } from '../core/change/journal.ts'
import type { JournalRow } from '../core/change/row.ts'
import type { AgentMessageOf, ChangeRecord } from '../core/wire/control.ts'
import { FIRST_PAGES_MS, PAGES_UNCONFIRMED_MAX } from './detection-limits.ts'

type Changes = AgentMessageOf<'changes'>
type Position = { readonly epoch: string; readonly seq: number }

export interface PublisherParts {
  readonly policyId: string
  readonly sourceId: string
  readonly journal: () => Journal
  /** False where the page was not taken. */
  readonly onChanges: (page: Changes) => boolean
  readonly nowMs: () => number
}

/**
 * Tells the master of changes, in pages from where it stands. The journal is the queue: what is not taken, or not
 * confirmed when the connection ends, is read from it again.
 */
export class Publisher {
  readonly #parts: PublisherParts
  #toldSeq = 0
  #toldAtMs = 0
  readonly #unconfirmed: number[] = []

  constructor(parts: PublisherParts, known: Position | null) {
    this.#parts = parts
    this.restart(known)
  }

  /** Begins again where the master says it stands; from the beginning where it knows nothing of this epoch. */
  restart(known: Position | null): void {
    const { epoch } = this.#parts.journal()
    this.#toldSeq = known?.epoch === epoch ? known.seq : 0
    this.#unconfirmed.length = 0
    this.publish()
  }

  /** The master has recorded everything up to here. */
  recorded(position: Position): void {
    if (position.epoch !== this.#parts.journal().epoch) return
    while ((this.#unconfirmed[0] ?? Number.POSITIVE_INFINITY) <= position.seq) {
      this.#unconfirmed.shift()
    }
    this.publish()
  }

  /** Offers what the master does not have yet, as far as it keeps up and more is not about to be found. */
  publish(): void {
    this.#offer((journal) => this.#isWorthTelling(journal))
  }

  /** The same where nothing more is about to be found. */
  publishRest(): void {
    this.#offer(() => true)
  }

  /**
   * While a source is looked through for the first time, much is found in every turn, and no job waits to hear of it:
   * each page costs the master a transaction.
   */
  #isWorthTelling({ headSeq, state }: Journal): boolean {
    if (state.completeAtMs !== null || headSeq - this.#toldSeq >= CHANGES_PAGE_MAX) return true
    return Math.abs(this.#parts.nowMs() - this.#toldAtMs) >= FIRST_PAGES_MS
  }

  #offer(isDue: (journal: Journal) => boolean): void {
    const journal = this.#parts.journal()
    while (this.#toldSeq < journal.headSeq && this.#unconfirmed.length < PAGES_UNCONFIRMED_MAX) {
      if (!isDue(journal)) return
      const page = this.#page(journal)
      if (!this.#parts.onChanges(page)) return
      this.#toldAtMs = this.#parts.nowMs()
      this.#toldSeq = page.upTo
      this.#unconfirmed.push(page.upTo)
    }
  }

  #page(journal: Journal): Changes {
    const { policyId, sourceId } = this.#parts
    const from = this.#toldSeq
    const range = { after: from, upTo: journal.headSeq, limit: CHANGES_PAGE_MAX, liveOnly: false }
    const rows = journal.changes(range)
    const last = rows.length === CHANGES_PAGE_MAX ? rows.at(-1)?.seq : undefined
    const upTo = last ?? journal.headSeq
    const records = rows.map(changeRecord)
    return { type: 'changes', policyId, sourceId, epoch: journal.epoch, from, upTo, records }
  }
}

function changeRecord(row: JournalRow): ChangeRecord {
  const { seq, path, from, operation, state, hash, hashTrust } = row
  return {
    seq,
    path,
    from,
    operation,
    type: state?.type ?? null,
    size: state?.type === 'file' ? state.size : 0,
    mtimeNs: state === null ? null : String(state.mtimeNs),
    hash: hashTrust === 'trusted' ? hash : null,
  }
}
