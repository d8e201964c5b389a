import type { Entry, FileState, SentState } from '../change/entry.ts'
import type { Note } from './notes.ts'
import type { Work } from './work.ts'

/** What of an entry this place does not hold, as was found while its metadata was set, and how the disk looks now. */
export interface Found {
  readonly disk: FileState
  readonly notes: readonly Note[]
}

/** Notes what an entry that was applied lacks, together with what the disk shows of its owner. */
export function noteLacks(
  { ledger, metadata, unknownOwners }: Work,
  entry: Entry & { readonly state: SentState },
  { disk, notes }: Found,
): void {
  if (notes.length > 0) ledger.note(entry, notes)
  if (metadata.lacksOwner(entry.state, disk)) ledger.note(entry, ['OWNER_REFUSED'])
  if (ledger.unlinked.has(entry.path)) ledger.note(entry, ['LINKS_UNSUPPORTED'])
  if (unknownOwners.has(entry.seq)) ledger.note(entry, ['OWNER_UNKNOWN'])
}
