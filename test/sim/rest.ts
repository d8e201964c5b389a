import type { StoredPending } from '../../src/core/apply/index-store.ts'
import type { FileType } from '../../src/core/change/entry.ts'
import { type RelPath, ROOT, isBelow, isStaging } from '../../src/core/path/rel-path.ts'
import { attributesOf } from '../fakes/memory-attributes.ts'
import { type Node, find } from '../fakes/memory-disk.ts'
import { type MemoryTree, walk } from '../fakes/memory-tree.ts'
import { textOf } from './history.ts'
import { asidesOf } from './invariants.ts'
import type { SimBinding } from './sim-binding.ts'
import type { SimTarget } from './sim-target.ts'
import { type Wish, leaderOf } from './union.ts'
import { type World, extras, wasEverHidden } from './world.ts'

/** What is wanted at a path, or lies there. */
interface Version extends Wish {
  /** Everything that is to be the same. */
  readonly line: string
  /** What makes versions of several sources others. */
  readonly content: string
}

type Picture = ReadonlyMap<RelPath, Version>

/** What cannot come or go, since it wants to be where something lies that stays. */
export function isBlocked(world: World, target: SimTarget, { path }: StoredPending): boolean {
  const withheld = world.sources.flatMap((one) => [...one.withheld()])
  const isExtra = [...extras(world, target)].some(
    (one) => one === path || isBelow(one, path) || isBelow(path, one),
  )
  return isExtra || withheld.some((one) => isBelow(one, path) || isBelow(path, one))
}

/** At rest a target holds the union of what its sources have. Gives where it does not. */
export function differences(world: World, target: SimTarget): string[] {
  const isExcused = excuses(world, target)
  const wanted = world.sources.map(({ order, tree, view }) => {
    const isSkipped = (path: RelPath, type: FileType) =>
      isExcused(path) || !view.filter.letsThrough(path, type === 'directory' ? 'folder' : 'leaf')
    return picture(tree, {
      order,
      isSkipped,
      tellsNames: isAlone(world) && target.names === 'kept',
    })
  })
  const isWanted = (path: RelPath) => wanted.some((versions) => versions.has(path))
  const found = picture(target.tree, {
    order: -1,
    isSkipped: (path) => isExcused(path) || (wasEverHidden(world, path) && !isWanted(path)),
    tellsNames: target.names === 'apart' || (isAlone(world) && target.names === 'kept'),
  })
  const leaders = leadersOf(world, wanted)
  return [
    ...unequal(leaders, found),
    ...excludedStill(world, target, isExcused),
    ...wronglyHeld(target),
    ...world.sources.flatMap(({ order, name, history }) => {
      const binding = target.bindings[order]
      if (binding === undefined) return []
      const lost = lostOf(wanted[order] ?? new Map(), leaders)
      const kept = asidesOf(target, binding, history.paths).filter((path) => !isExcused(path))
      return [
        ...wronglyNoted(binding, lost, isExcused),
        ...kept
          .filter((path) => !lost.has(path))
          .map((path) => `"${path}" is kept aside, and there is no conflict`),
      ].map((problem) => `${name}: ${problem}`)
    }),
  ].map((problem) => `${target.name}: ${problem}`)
}

/** What a source of this epoch has put there is not a stranger's: whether it may go, the source has said. */
function wronglyHeld({ bindings }: SimTarget): string[] {
  return bindings.flatMap(({ index }) =>
    index
      .pending()
      .filter(({ held, isDeletion }) => isDeletion && held !== null)
      .filter(({ path }) => index.get(path)?.epoch === index.watermark()?.epoch)
      .map(({ path }) => `"${path}" came with this epoch, and is held`),
  )
}

/** Where what is excluded is to be deleted, it is; but a folder stays with what is the target's own. */
function excludedStill(
  { sources }: World,
  { tree, deleteExcluded, ownFiles }: SimTarget,
  isExcused: (path: RelPath) => boolean,
): string[] {
  if (!deleteExcluded) return []
  const isHidden = (path: RelPath) => {
    const kind = tree.lstat(path)?.type === 'directory' ? 'folder' : 'leaf'
    return sources.every(({ view }) => !view.filter.letsThrough(path, kind))
  }
  const holdsOwn = (path: RelPath) => [...ownFiles.keys()].some((own) => isBelow(own, path))
  return [...walk(tree, ROOT)]
    .filter((path) => !isStaging(path) && isHidden(path) && !isExcused(path) && !holdsOwn(path))
    .map((path) => `"${path}" is there, and excluded`)
}

/** Names of one file are so on targets as well, where no other source says otherwise of one of them. */
function isAlone({ sources }: World): boolean {
  return sources.length === 1
}

/** Paths of which nobody can say how they are to be. */
function excuses(world: World, target: SimTarget): (path: RelPath) => boolean {
  const blocked = target.bindings.flatMap(({ index }) => index.pending().map(({ path }) => path))
  const withheld = world.sources.flatMap((source) => [...source.withheld()])
  const excused = new Set([...blocked, ...withheld, ...target.ownFiles.keys()])
  return (path) => excused.has(path)
}

function leadersOf({ scenario }: World, wanted: readonly Picture[]): Picture {
  const paths = new Set(wanted.flatMap((versions) => [...versions.keys()]))
  const leaders = new Map<RelPath, Version>()
  for (const path of paths) {
    const wishes = wanted.flatMap((versions) => versions.get(path) ?? [])
    const leader = leaderOf(scenario.conflict, wishes)
    if (leader !== null) leaders.set(path, leader)
  }
  return leaders
}

function unequal(wanted: Picture, found: Picture): string[] {
  const paths = [...new Set([...wanted.keys(), ...found.keys()])]
  return paths.flatMap((path) => {
    const [left, right] = [wanted.get(path)?.line, found.get(path)?.line]
    return left === right ? [] : [`"${path}" is ${left ?? 'nothing'} and ${right ?? 'nothing'}`]
  })
}

/** Paths of a source at which another version is to lie. */
function lostOf(wanted: Picture, leaders: Picture): ReadonlySet<RelPath> {
  const lost = [...wanted].filter(([path, { content }]) => leaders.get(path)?.content !== content)
  return new Set(lost.map(([path]) => path))
}

function wronglyNoted(
  { index }: SimBinding,
  lost: ReadonlySet<RelPath>,
  isExcused: (path: RelPath) => boolean,
): string[] {
  const noted = new Set(index.conflicts().filter((path) => !isExcused(path)))
  return [
    ...[...noted.difference(lost)].map((path) => `"${path}" is noted, and there is no conflict`),
    ...[...lost.difference(noted)].map((path) => `"${path}" lost, and that is not noted`),
  ]
}

interface PictureOptions {
  readonly order: number
  readonly isSkipped: (path: RelPath, type: FileType) => boolean
  /** Whether files are told by the first of their names that count, else each by itself. */
  readonly tellsNames: boolean
}

function picture(tree: MemoryTree, { order, isSkipped, tellsNames }: PictureOptions): Picture {
  const versions = new Map<RelPath, Version>()
  const firstNames = new Map<bigint, RelPath>()
  for (const path of [ROOT, ...walk(tree, ROOT)]) {
    const node = find(tree.disk.world, path)
    if (node === null || isStaging(path) || isSkipped(path, node.type)) continue
    const { type, inode, mtimeNs } = node
    if (type === 'file' && !firstNames.has(inode)) firstNames.set(inode, path)
    const first = type === 'file' && tellsNames ? firstNames.get(inode) : path
    const content = `${type} ${type === 'file' ? textOf(node.content) : node.linkTarget}`
    versions.set(path, { order, type, mtimeNs, content, line: `${lineOf(node)} of ${first}` })
  }
  return versions
}

function lineOf(node: Node): string {
  const { type, mode, uid, gid, mtimeNs, linkTarget, content } = node
  const attributes = JSON.stringify(attributesOf(node, { xattrs: true, acls: true }))
  const body = type === 'file' ? textOf(content).slice(0, 60) : linkTarget
  return `${type} ${mode.toString(8)} ${uid} ${gid} ${mtimeNs} ${content.length} ${body} ${attributes}`
}
