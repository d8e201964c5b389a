import type { FoundHash, OutboundRow, WatchedSource } from '../core/apply/outbound.ts'
import type { ReadTree } from '../core/apply/target-tree.ts'
import { LISTED_ACCOUNTS_MAX } from '../core/base/limits.ts'
import { type ListedAccount, listedAccounts } from '../core/change/access-list.ts'
import { type Attributes, listsOf } from '../core/change/attributes.ts'
import { type FileState, type SentState, isWithheld } from '../core/change/entry.ts'
import type { Journal } from '../core/change/journal.ts'
import type { RestlessFiles } from '../core/change/restless.ts'
import { type JournalRow, fileKey } from '../core/change/row.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import type { HostAccounts } from '../platform/accounts.ts'

/** What a source's outside needs of its inside. */
export interface OutboundParts {
  readonly sourceId: string
  readonly journal: () => Journal
  readonly tree: () => ReadTree
  /** Throws why the root cannot be looked at, where it cannot. */
  readonly requireRoot: () => void
  /** Looks at paths that were not what their rows say, and gives them newer seqs. */
  readonly resequence: (paths: readonly RelPath[]) => void
  readonly lookLater: (paths: readonly RelPath[]) => void
  readonly restless: RestlessFiles
  readonly nowMs: () => number
  /** Users and groups of this host; null where owners travel by number alone. */
  readonly accounts: (() => HostAccounts) | null
  /** Whether names of one file are kept so. */
  readonly keepsNames: boolean
}

/** One source as the Sync Client reads it. Epoch, journal and tree are those of the moment of each call. */
export function createOutbound(parts: OutboundParts): WatchedSource {
  const { journal, lookLater, nowMs, restless, resequence, sourceId } = parts
  return {
    kind: 'watched',
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
      const atMs = nowMs()
      const rows = journal()
        .handOut(range)
        .map((row) => outboundRow(row, accounts))
        .map((row) => (restless.has(row.entry.path, atMs) ? { ...row, isRestless: true } : row))
      return parts.keepsNames ? rows.map(withFileKey) : rows
    },
    recordHashes: (hashes: readonly FoundHash[]) => {
      for (const { path } of hashes) restless.rested(path)
      journal().keepHashes(hashes)
    },
    resequence: (paths) => {
      restless.changed(paths, nowMs())
      resequence(paths)
    },
    lookLater,
  }
}

/** Says which file a path names, beside what is sent of it anyway. */
function withFileKey(row: WithState): OutboundRow {
  const { entry, fingerprint } = row
  if (entry.state === null || fingerprint?.type !== 'file') return row
  const key = { fileKey: fileKey(fingerprint) }
  const state = { ...entry.state, ...key, ...(fingerprint.linkCount > 1 && HAS_OTHERS) }
  return { ...row, entry: { ...entry, state } }
}

const HAS_OTHERS = { hasOtherNames: true } as const

type WithState = OutboundRow & { readonly fingerprint: FileState | null }

function outboundRow(row: JournalRow, accounts: HostAccounts | null): WithState {
  const { seq, path, operation, from, hashTrust } = row
  // What is withheld is named, so that it counts as there, and says nothing of what became of it.
  const state = isWithheld(operation) ? null : sentState(row, accounts)
  const entry = { seq, path, operation, from, state }
  return { entry, fingerprint: row.state, hashTrust }
}

function sentState({ state, hash }: JournalRow, accounts: HostAccounts | null): SentState | null {
  if (state === null) return null
  const { type, size, mode, uid, gid, mtimeNs, linkTarget } = state
  const ids = { mode, uid, gid, mtimeNs, linkTarget, hash }
  const sent: SentState = { type, size: type === 'file' ? size : 0, ...ids }
  const { attributes } = state
  if (accounts === null) return attributes === undefined ? sent : { ...sent, attributes }
  const owners = { user: accounts.userOf(uid), group: accounts.groupOf(gid) }
  if (attributes === undefined) return { ...sent, ownerNames: owners }
  const listed = namesOfListed(attributes, accounts)
  return { ...sent, attributes, ownerNames: { ...owners, ...(listed.length > 0 && { listed }) } }
}

/** The accounts of access lists that have a name here. */
function namesOfListed(attributes: Attributes, accounts: HostAccounts): ListedAccount[] {
  const lists = listsOf(attributes)
  const all = [lists?.access, lists?.inherited].flatMap((list) =>
    list == null ? [] : listedAccounts(list),
  )
  const byKey = new Map(all.map((account) => [`${account.kind} ${account.id}`, account]))
  const named = [...byKey.values()].flatMap(({ kind, id }) => {
    const name = kind === 'user' ? accounts.userOf(id) : accounts.groupOf(id)
    return name === null ? [] : [{ kind, id, name }]
  })
  return named.slice(0, LISTED_ACCOUNTS_MAX)
}
