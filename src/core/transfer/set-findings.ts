import type { FoundHash, OutboundRow, OutboundSource } from '../apply/outbound.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { ContentHash } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { SetFindings } from '../wire/frame.ts'
import type { ReadOutcome } from './file-reading.ts'
import { hasOtherNames } from './outgoing-names.ts'

type Followers = ReadonlyMap<number, readonly (readonly [index: number, row: OutboundRow])[]>

/** What came to light about the files of one set while they were read. */
export class FindingsCollector {
  readonly #source: OutboundSource
  /** By index of the row whose content is sent, those of other names of that file. */
  #followers: Followers = new Map()
  readonly #found: FoundHash[] = []
  readonly #lateHashes = new Map<number, ContentHash>()
  readonly #skipped = new Map<number, RelPath>()
  readonly #unavailable = new Map<number, ErrorCode>()
  /** Paths of which something was sent while it changed. */
  readonly #torn: RelPath[] = []

  constructor(source: OutboundSource) {
    this.#source = source
  }

  /** Says which rows are other names of a file whose content is sent under the first. */
  follow(followers: Followers): void {
    this.#followers = followers
    for (const leader of followers.keys()) if (this.isOut(leader)) this.#followOut(leader)
  }

  /** True where a file's content will not come with this set. */
  isOut(index: number): boolean {
    return this.#skipped.has(index) || this.#unavailable.has(index)
  }

  /** Takes a hash that was found under another name of the same file. */
  shared(row: OutboundRow, hash: ContentHash): void {
    this.#keep(row, hash)
  }

  /** Takes what hashing a file before its set gave; gives the hash to put into its entry, if any. */
  hashed(index: number, row: OutboundRow, outcome: ReadOutcome): ContentHash | null {
    if (outcome.kind !== 'read') return this.#leaveOut(index, row, outcome)
    this.#keep(row, outcome.hash, hasOtherNames(row))
    return outcome.hash
  }

  /**
   * Takes what reading a file for sending gave; false where what was sent of it must not be used. A content that differs
   * from the hash in the entry means a change that left no trace in the file's stat.
   */
  sent(index: number, row: OutboundRow, outcome: ReadOutcome): boolean {
    if (outcome.kind !== 'read' || !isSaid(row, outcome.hash)) {
      this.#leaveOut(index, row, outcome.kind === 'read' ? { kind: 'changed' } : outcome)
      this.#followOut(index)
      return false
    }
    if (row.entry.state?.hash !== null) return true
    this.#lateHashes.set(index, outcome.hash)
    if (outcome.isTorn === true) this.#torn.push(row.entry.path)
    else this.#keep(row, outcome.hash, hasOtherNames(row))
    this.#followLate(index, outcome.hash)
    return true
  }

  /** Where a file's content does not come, it comes under none of its names. */
  #followOut(leader: number): void {
    const code = this.#unavailable.get(leader)
    for (const [at, other] of this.#followers.get(leader) ?? [])
      if (!this.isOut(at))
        this.#leaveOut(at, other, code ? { kind: 'unavailable', code } : { kind: 'changed' })
  }

  #followLate(leader: number, hash: ContentHash): void {
    for (const [at, other] of this.#followers.get(leader) ?? []) {
      if (this.isOut(at)) continue
      this.#lateHashes.set(at, hash)
      this.#keep(other, hash)
    }
  }

  /**
   * Hands the hashes to the journal, at once, and what changed, and gives what the set's end says. First the newer seqs,
   * durably, then the skips: a crash between the two sends a file once more, never not at all.
   */
  finish(): SetFindings {
    if (this.#skipped.size > 0 && this.#source.kind === 'watched')
      this.#source.resequence([...this.#skipped.values()])
    if (this.#torn.length > 0 && this.#source.kind === 'watched') this.#source.lookLater(this.#torn)
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
    if (outcome.kind === 'unavailable' || this.#source.kind === 'held') {
      const isRefused = outcome.kind === 'unavailable'
      this.#unavailable.set(index, isRefused ? outcome.code : 'SOURCE_UNAVAILABLE')
      return null
    }
    this.#skipped.set(index, row.entry.path)
    return null
  }

  #keep(row: OutboundRow, hash: ContentHash, forAllNames = false): void {
    if (row.fingerprint === null) return
    const { path, seq } = row.entry
    const found = { path, seq, hash, fingerprint: row.fingerprint }
    this.#found.push(forAllNames ? { ...found, forAllNames } : found)
  }
}

/** True unless another hash is in the entry. */
function isSaid({ entry }: OutboundRow, hash: ContentHash): boolean {
  const said = entry.state?.hash ?? null
  return said === null || said === hash
}
