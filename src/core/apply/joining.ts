import type { Working } from '../base/working.ts'
import type { FileKey } from '../change/entry.ts'
import type { Leaders } from '../change/names.ts'
import type { RelPath } from '../path/rel-path.ts'
import {
  type Decision,
  type NameContent,
  type Settling,
  isPlacing,
  isSettling,
} from './decision.ts'
import { type Group, type Naming, findBase, hashOf } from './name-base.ts'
import { Places, pathsOf } from './name-places.ts'
import type { Work } from './work.ts'

/**
 * Turns decisions about names of one file into such that share it. Of one version of a file all names end on one inode:
 * that of names which are not in this set, else of one that is right already, else of the first that is placed, whose
 * content the others share. What is of another file, at the source or by now, is so here as well.
 */
export function* joinNames(
  work: Work,
  decisions: readonly Decision[],
): Working<readonly Decision[]> {
  const files = filesWithNames(decisions, work.leaders)
  const names = decisions.filter(isNaming).filter((one) => isSeveral(one, files) || isOnShared(one))
  if (names.length === 0) return decisions
  const joined = new Map<Decision, Decision>()
  const paths = pathsOf(decisions)
  const leaving = pathsOf(decisions.filter(isLeaving))
  const parts = { places: new Places(work, names), paths, leaving }
  for (const group of Map.groupBy(names, (one) => versionKey(one, files)).values()) {
    yield
    const changes = isSeveral(group[0], files)
      ? yield* joinGroup(work, { ...parts, names: group })
      : group.map((one) => alone(parts.places, one))
    for (const [index, one] of group.entries()) joined.set(one, changes[index] ?? one)
  }
  return decisions.map((decision) => joined.get(decision) ?? decision)
}

const NO_FILES: ReadonlySet<FileKey> = new Set()

/** Files of which some entry says that they have other names. Of others it may say so late: it was read before. */
function filesWithNames(decisions: readonly Decision[], leaders: Leaders): ReadonlySet<FileKey> {
  const saying = decisions.filter(
    ({ entry }) => entry.state?.hasOtherNames === true || leaders.has(entry.seq),
  )
  if (saying.length === 0) return NO_FILES
  return new Set(saying.flatMap(({ entry }) => entry.state?.fileKey ?? []))
}

function isSeveral(one: Naming | undefined, files: ReadonlySet<FileKey>): boolean {
  const key = one?.entry.state.fileKey
  return key !== undefined && files.has(key)
}

function isOnShared(one: Naming): boolean {
  return isSettling(one) && one.verdict.disk.linkCount > 1
}

/** A name of a file without others: it only must not share one with names that are another file's. */
function alone(places: Places, one: Naming): Naming {
  return isSettling(one) && places.mustLeave(one) ? ownCopy(one) : one
}

function* joinGroup(work: Work, group: Group): Working<readonly Naming[]> {
  if (!work.deps.options.hardLinks) return shareContent(group.names)
  const base = yield* findBase(work, group)
  if (base !== null) {
    work.ledger.bases.add(base.path)
    return group.names.map((one) => (isOn(one, base.inode) ? one : nameOf(one, base)))
  }
  const head = group.names.find(isPlacing) ?? group.names[0]
  return group.names.map((one) => {
    if (one !== head) return nameOf(one, { path: head?.entry.path ?? one.entry.path, inode: null })
    return isSettling(one) ? ownCopy(one) : one
  })
}

/** The content came once for all names of a file; here each is a file of its own. */
function shareContent(names: readonly Naming[]): Naming[] {
  const isStaged = (one: Naming) => isPlacing(one) && one.verdict.content.kind === 'staged'
  const head = names.find(isStaged)
  return names.map((one) => {
    if (head === undefined || one === head || !isStaged(one)) return one
    return nameOf(one, { path: head.entry.path, inode: null }, 'copy')
  })
}

function nameOf(
  one: Naming,
  base: { readonly path: RelPath; readonly inode: bigint | null },
  how: NameContent['how'] = 'link',
): Naming {
  const held = isSettling(one) ? one.verdict : null
  const content: NameContent = { kind: 'name', how, of: base.path, inode: base.inode, held }
  return { ...one, verdict: { kind: 'place', disk: one.verdict.disk, content } }
}

/** What lies in place has the right content, and is to be a file of its own. */
function ownCopy(one: Settling): Naming {
  return nameOf(one, { path: one.entry.path, inode: one.verdict.disk.inode }, 'copy')
}

function isOn(one: Naming, inode: bigint): boolean {
  return isSettling(one) && one.verdict.disk.inode === inode
}

function isLeaving({ verdict }: Decision): boolean {
  return verdict.kind === 'remove' || verdict.kind === 'place'
}

function isNaming(one: Decision): one is Naming {
  return one.entry.state?.type === 'file' && (isPlacing(one) || isSettling(one))
}

function versionKey(one: Naming, files: ReadonlySet<FileKey>): string {
  const { path, state } = one.entry
  if (!isSeveral(one, files)) return `/${path}`
  return `${state.fileKey} ${state.size} ${state.mtimeNs} ${hashOf(one)}`
}
