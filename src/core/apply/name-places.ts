import type { FileKey } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import { type Decision, type Settling, isSettling } from './decision.ts'
import type { Work } from './work.ts'

/** Of what lies in place with several names, tells of which file it is: an inode here is that of one at the source. */
export class Places {
  readonly #work: Work
  /** By inode, the file that it is of, as far as that is known. */
  readonly #files = new Map<bigint, FileKey>()
  /** How many names of a file this set finds on an inode, by both. */
  readonly #counts = new Map<string, number>()

  constructor(work: Work, decisions: readonly Decision[]) {
    this.#work = work
    const shared = decisions.filter(isSettling).filter(({ verdict }) => verdict.disk.linkCount > 1)
    for (const one of shared) this.#counts.set(keyOf(one), (this.#counts.get(keyOf(one)) ?? 0) + 1)
    // Whose row says so goes before who finds it there.
    for (const one of [...shared.filter(isInRow), ...shared]) {
      const { fileKey } = one.entry.state
      const { inode } = one.verdict.disk
      if (fileKey === undefined || this.#files.has(inode)) continue
      this.#files.set(inode, this.#hasAll(one) ? fileKey : (work.view.fileOn(inode) ?? fileKey))
    }
  }

  /** Whether what lies there is known to be another file's. */
  isOfOther({ entry, verdict }: Settling): boolean {
    const file = this.#files.get(verdict.disk.inode)
    return file !== undefined && file !== entry.state.fileKey
  }

  /** Whether what lies there may go on being of the file that it is of. */
  mayStay(one: Settling): boolean {
    if (one.verdict.disk.linkCount === 1) return true
    return !this.isOfOther(one) && (isInRow(one) || this.#hasAll(one))
  }

  /** Whether all names of what lies there are names of this file, and in this set. */
  #hasAll(one: Settling): boolean {
    const count = this.#counts.get(keyOf(one)) ?? 0
    return one.entry.state.fileKey !== undefined && count >= one.verdict.disk.linkCount
  }

  /**
   * Whether it has to become a file of its own, where it has no other names at the source. With names that are nobody's
   * it may share what looks as it should.
   */
  mustLeave(one: Settling): boolean {
    const { entry, row, verdict } = one
    if (this.mayStay(one)) return false
    if (this.isOfOther(one) || this.#isOfOtherSource(one)) return true
    // A set that never ended may have put it there together with other names.
    if (row === null ? this.#work.priorClaims.has(entry.path) : wasElsewhere(one)) return true
    return (
      entry.state.fileKey !== undefined && this.#work.metadata.differs(entry.state, verdict.disk)
    )
  }

  /** Whether another source has put it there: what that one says of other names of it is not for this place. */
  #isOfOtherSource({ entry, verdict }: Settling): boolean {
    const others = this.#work.deps.siblings.at(entry.path)
    return others.some(
      ({ row }) => row.state.fileKey !== undefined && row.stat.inode === verdict.disk.inode,
    )
  }
}

function keyOf({ entry, verdict }: Settling): string {
  return `${verdict.disk.inode} ${entry.state.fileKey}`
}

/** The row says that what lies there was put there, or found, as this file. */
function isInRow({ entry, row, verdict }: Settling): boolean {
  return row?.stat.inode === verdict.disk.inode && row.state.fileKey === entry.state.fileKey
}

/** The row says that another file was put there. */
function wasElsewhere({ entry, row, verdict }: Settling): boolean {
  if (row === null) return false
  const wasOfOther = row.state.fileKey !== undefined && row.state.fileKey !== entry.state.fileKey
  return wasOfOther || row.stat.inode !== verdict.disk.inode
}

/** The paths of decisions. */
export function pathsOf(decisions: readonly Decision[]): ReadonlySet<RelPath> {
  return new Set(decisions.map(({ entry }) => entry.path))
}
