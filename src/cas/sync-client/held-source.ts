import type { HeldSource, OutboundRow } from '../../core/apply/outbound.ts'
import type { ReadTree } from '../../core/apply/target-tree.ts'
import { AppError } from '../../core/base/errors.ts'
import type { SentState } from '../../core/change/entry.ts'
import { isSameRoot } from '../../core/change/known-root.ts'
import type { Filter } from '../../core/filter/filter.ts'
import type { RelPath } from '../../core/path/rel-path.ts'
import type { HostAccounts } from '../../platform/accounts.ts'
import type { HeldPosition, HeldRange, HeldRow, Holding } from '../../store/index-holding.ts'

export interface HeldSourceParts {
  readonly sourceId: string
  readonly holding: Pick<Holding, 'position' | 'root' | 'rows'>
  readonly tree: ReadTree
  /** As the policy has it now: what was taken in before may be out of view since. */
  readonly filter: Pick<Filter, 'letsThrough'>
  /** Users and groups of this host; null where owners travel by number alone. */
  readonly accounts: HostAccounts | null
}

/**
 * One target as the Sync Client reads it where it serves others in the stead of their source: what it holds, and what has
 * left, up to its watermark. It knows nothing newer, so that a file which somebody has changed here meanwhile cannot be
 * given. Calls throw SOURCE_UNAVAILABLE where the target does not hold all that it should.
 */
export function createHeldSource(parts: HeldSourceParts): HeldSource {
  const { sourceId, holding, tree } = parts
  const position = (): HeldPosition => holding.position() ?? refuse('nothing was received here')
  return {
    kind: 'held',
    sourceId,
    tree,
    epoch: () => position().epoch,
    headSeq: () => position().seq,
    tellsSince: () => position().absentSince,
    isListed: () => {
      requireRoot(parts)
      return true
    },
    changes: (range) => rowsOf(parts, { ...range, upTo: Math.min(range.upTo, position().seq) }),
    recordHashes: () => undefined,
    close: () => tree.close(),
  }
}

function rowsOf(parts: HeldSourceParts, range: HeldRange): OutboundRow[] {
  const rows = parts.holding.rows(range) ?? refuse('not all that came is as its source said')
  return rows.map((held) => (held.kind === 'absent' ? gone(parts, held) : present(parts, held)))
}

type Held<Kind> = Extract<HeldRow, { kind: Kind }>

/** What is out of view by now stays where it is: nobody can tell what it was, and for a folder less is asked. */
function gone(
  { filter }: HeldSourceParts,
  { path, seq, operation: said }: Held<'absent'>,
): OutboundRow {
  const isHidden = said === 'delete' && !filter.letsThrough(path, 'folder')
  const operation = isHidden ? 'excluded' : said
  const entry = { seq, path, operation, from: null, state: null } as const
  return { entry, fingerprint: null, hashTrust: 'unknown' }
}

function present(parts: HeldSourceParts, { row }: Held<'present'>): OutboundRow {
  const { path, seq, state, stat, sharedCtimeNs } = row
  // Whoever went past it would never get it, should it be in view again before the source has heard that it was not.
  if (!parts.filter.letsThrough(path, state.type === 'directory' ? 'folder' : 'leaf'))
    refuse('the filter leaves out by now what came, and only the source can say so')
  const entry = { seq, path, operation: 'create', from: null } as const
  const fingerprint = sharedCtimeNs === undefined ? stat : { ...stat, ctimeNs: sharedCtimeNs }
  const sent = sharedCtimeNs === undefined ? state : { ...state, hasOtherNames: true }
  return {
    entry: { ...entry, state: withOwners(parts, path, sent) },
    fingerprint,
    hashTrust: 'trusted',
  }
}

/** The numbers in the index are those of the source; here only what lies on the disk says who they were. */
function withOwners(
  { tree, accounts }: HeldSourceParts,
  path: RelPath,
  state: SentState,
): SentState {
  const disk = accounts === null ? null : tree.lstat(path)
  if (accounts === null || disk === null) return state
  const { uid, gid } = disk
  const ownerNames = { user: accounts.userOf(uid), group: accounts.groupOf(gid) }
  return { ...state, uid, gid, ownerNames }
}

function requireRoot({ holding, tree }: HeldSourceParts): void {
  const known = holding.root()
  if (known === null || isSameRoot(known, tree.identity())) return
  throw new AppError('ROOT_CHANGED', 'cannot send: it is not the folder that was received into')
}

function refuse(why: string): never {
  throw new AppError('SOURCE_UNAVAILABLE', `cannot send in the stead of the source: ${why}`)
}
