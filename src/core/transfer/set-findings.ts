import type { FoundHash, OutboundRow, OutboundSource } from '../apply/outbound.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { ContentHash } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { SetFindings } from '../wire/frame.ts'
import type { ReadOutcome } from './file-reading.ts'

/** What came to light about the files of one set while they were read. */
export class FindingsCollector {
  readonly #source: OutboundSource
  readonly #found: FoundHash[] = []
  readonly #lateHashes = new Map<number, ContentHash>()
  readonly #skipped = new Map<number, RelPath>()
  readonly #unavailable = new Map<number, ErrorCode>()

  constructor(source: OutboundSource) {
    this.#source = source
  }

  /** True where a file's content will not come with this set. */
  isOut(index: number): boolean {
    return this.#skipped.has(index) || this.#unavailable.has(index)
  }

  /** Takes what hashing a file before its set gave; gives the hash to put into its entry, if any. */
  hashed(index: number, row: OutboundRow, outcome: ReadOutcome): ContentHash | null {
    if (outcome.kind !== 'read') return this.#leaveOut(index, row, outcome)
    this.#keep(row, outcome.hash)
    return outcome.hash
  }

  /**
   * Takes what reading a file for sending gave; false where what was sent of it must not be used. A content that differs
   * from the hash in the entry means a change that left no trace in the file's stat.
   */
  sent(index: number, row: OutboundRow, outcome: ReadOutcome): boolean {
    if (outcome.kind !== 'read') return this.#leaveOut(index, row, outcome) !== null
    const said = row.entry.state?.hash ?? null
    if (said !== null && said !== outcome.hash)
      return this.#leaveOut(index, row, { kind: 'changed' }) !== null
    if (said === null) {
      this.#lateHashes.set(index, outcome.hash)
      this.#keep(row, outcome.hash)
    }
    return true
  }

  /**
   * Hands the hashes to the journal, at once, and what changed, and gives what the set's end says. First the newer seqs,
   * durably, then the skips: a crash between the two sends a file once more, never not at all.
   */
  finish(): SetFindings {
    if (this.#skipped.size > 0) this.#source.resequence([...this.#skipped.values()])
    if (this.#found.length > 0) this.#source.recordHashes(this.#found)
    return {
      lateHashes: new Map([...this.#lateHashes].sort(([left], [right]) => left - right)),
      skipped: [...this.#skipped.keys()].sort((left, right) => left - right),
      unavailable: new Map([...this.#unavailable].sort(([left], [right]) => left - right)),
    }
  }

  #leaveOut(
    index: number,
    row: OutboundRow,
    outcome: Exclude<ReadOutcome, { kind: 'read' }>,
  ): null {
    if (outcome.kind === 'unavailable') {
      this.#unavailable.set(index, outcome.code)
      return null
    }
    this.#skipped.set(index, row.entry.path)
    return null
  }

  #keep(row: OutboundRow, hash: ContentHash): void {
    if (row.fingerprint === null) return
    const { path, seq } = row.entry
    this.#found.push({ path, seq, hash, fingerprint: row.fingerprint })
  }
}
