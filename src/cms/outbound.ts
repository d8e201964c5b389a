import type { FoundHash, OutboundRow, OutboundSource } from '../core/apply/outbound.ts'
import type { ReadTree } from '../core/apply/target-tree.ts'
import type { SentState } from '../core/change/entry.ts'
import type { Journal } from '../core/change/journal.ts'
import type { JournalRow } from '../core/change/row.ts'
import type { RelPath } from '../core/path/rel-path.ts'

/** What a source's outside needs of its inside. */
export interface OutboundParts {
  readonly sourceId: string
  readonly journal: () => Journal
  readonly tree: () => ReadTree
  /** Looks at a path that was not what its row says, and gives it a newer seq. */
  readonly resequence: (path: RelPath) => void
}

/** One source as the Sync Client reads it. Epoch, journal and tree are those of the moment of each call. */
export function createOutbound(parts: OutboundParts): OutboundSource {
  const { journal, sourceId, resequence } = parts
  return {
    sourceId,
    get tree() {
      return parts.tree()
    },
    epoch: () => journal().epoch,
    headSeq: () => journal().headSeq,
    changes: (range) => journal().handOut(range).map(outboundRow),
    recordHashes: (hashes: readonly FoundHash[]) => journal().keepHashes(hashes),
    resequence,
  }
}

function outboundRow(row: JournalRow): OutboundRow {
  const { seq, path, operation, from, state, hashTrust } = row
  const entry = { seq, path, operation, from, state: sentState(row) }
  return { entry, fingerprint: state, hashTrust }
}

function sentState({ state, hash }: JournalRow): SentState | null {
  if (state === null) return null
  const { type, size, mode, uid, gid, mtimeNs, linkTarget } = state
  return { type, size: type === 'file' ? size : 0, mode, uid, gid, mtimeNs, linkTarget, hash }
}
