import type { FoundHash, OutboundRow, OutboundSource } from '../core/apply/outbound.ts'
import type { ReadTree } from '../core/apply/target-tree.ts'
import type { SentState } from '../core/change/entry.ts'
import type { Journal } from '../core/change/journal.ts'
import type { JournalRow } from '../core/change/row.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import type { HostAccounts } from '../platform/accounts.ts'

/** What a source's outside needs of its inside. */
export interface OutboundParts {
  readonly sourceId: string
  readonly journal: () => Journal
  readonly tree: () => ReadTree
  /** Throws why the root cannot be looked at, where it cannot. */
  readonly requireRoot: () => void
  /** Looks at a path that was not what its row says, and gives it a newer seq. */
  readonly resequence: (path: RelPath) => void
  /** Users and groups of this host; null where owners travel by number alone. */
  readonly accounts: (() => HostAccounts) | null
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
    isListed: () => {
      parts.requireRoot()
      return journal().state.completeAtMs !== null
    },
    changes: (range) => {
      const accounts = parts.accounts?.() ?? null
      return journal()
        .handOut(range)
        .map((row) => outboundRow(row, accounts))
    },
    recordHashes: (hashes: readonly FoundHash[]) => journal().keepHashes(hashes),
    resequence,
  }
}

function outboundRow(row: JournalRow, accounts: HostAccounts | null): OutboundRow {
  const { seq, path, operation, from, state, hashTrust } = row
  const entry = { seq, path, operation, from, state: sentState(row, accounts) }
  return { entry, fingerprint: state, hashTrust }
}

function sentState({ state, hash }: JournalRow, accounts: HostAccounts | null): SentState | null {
  if (state === null) return null
  const { type, size, mode, uid, gid, mtimeNs, linkTarget } = state
  const ids = { mode, uid, gid, mtimeNs, linkTarget, hash }
  const sent = { type, size: type === 'file' ? size : 0, ...ids }
  if (accounts === null) return sent
  return { ...sent, ownerNames: { user: accounts.userOf(uid), group: accounts.groupOf(gid) } }
}
