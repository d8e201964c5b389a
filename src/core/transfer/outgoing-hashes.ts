import type { OutboundRow } from '../apply/outbound.ts'
import { CONTENT_CHUNK_BYTES } from '../base/limits.ts'
import type { ContentHash } from '../change/entry.ts'
import { readSteps } from './file-reading.ts'
import { hasOtherNames } from './outgoing-names.ts'
import type { OutgoingContext } from './outgoing-set.ts'
import { BUSY, type Steps } from './sender-ports.ts'
import type { FindingsCollector } from './set-findings.ts'

/** Files hashed in one step at most, where they are small. */
const HASHED_PER_STEP = 32

/** By version of a file with several names. */
type KnownHashes = Map<string, ContentHash>

/** Gives the rows with the hashes they are to carry; those left out carry none. */
export function* hashBefore(
  context: OutgoingContext,
  rows: readonly OutboundRow[],
  findings: FindingsCollector,
): Steps<OutboundRow[]> {
  const hashed: OutboundRow[] = []
  const known = knownHashes(rows)
  let untilBusy = HASHED_PER_STEP
  for (const [index, row] of rows.entries()) {
    if (!mustHash(context, row, known)) {
      hashed.push(row.hashTrust === 'trusted' ? row : withKnown(row, known, findings))
      continue
    }
    const outcome = yield* readSteps(context.reading, row, (chunk) =>
      chunk.length === CONTENT_CHUNK_BYTES ? BUSY : null,
    )
    if (--untilBusy === 0) {
      untilBusy = HASHED_PER_STEP
      yield BUSY
    }
    const hash = findings.hashed(index, row, outcome)
    if (hash !== null && hasOtherNames(row)) known.set(versionKey(row), hash)
    hashed.push(withHash(row, hash))
  }
  return hashed
}

/** What is known of one name of a file is known of the others, as long as it looked the same. */
function knownHashes(rows: readonly OutboundRow[]): KnownHashes {
  const known: KnownHashes = new Map()
  for (const row of rows) {
    const hash = row.entry.state?.hash ?? null
    if (hash !== null && row.hashTrust === 'trusted' && hasOtherNames(row))
      known.set(versionKey(row), hash)
  }
  return known
}

/** Takes over what is known of the file under another name. */
function withKnown(row: OutboundRow, known: KnownHashes, findings: FindingsCollector): OutboundRow {
  const hash = hashOf(row, known)
  if (hash === undefined) return row
  findings.shared(row, hash)
  return withHash(row, hash)
}

function hashOf(row: OutboundRow, known: KnownHashes): ContentHash | undefined {
  return known.size === 0 ? undefined : known.get(versionKey(row))
}

function versionKey({ entry, fingerprint }: OutboundRow): string {
  if (fingerprint === null || entry.state?.fileKey === undefined) return `${entry.seq}`
  const { size, mtimeNs, ctimeNs } = fingerprint
  return `${entry.state.fileKey} ${size} ${mtimeNs} ${ctimeNs}`
}

function mustHash(context: OutgoingContext, row: OutboundRow, known: KnownHashes): boolean {
  if (row.entry.state?.type !== 'file' || row.hashTrust === 'trusted') return false
  // What is hashed before could be another content than what is sent.
  if (row.isRestless === true) return false
  if (row.hashTrust === 'unknown' && context.content !== 'ask') return false
  return hashOf(row, known) === undefined
}

function withHash(row: OutboundRow, hash: ContentHash | null): OutboundRow {
  const { entry } = row
  return entry.state === null
    ? row
    : { ...row, entry: { ...entry, state: { ...entry.state, hash } } }
}
