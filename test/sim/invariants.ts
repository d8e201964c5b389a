import { fromText, toBytes } from '../../src/core/base/byte-string.ts'
import { isWithheld } from '../../src/core/change/entry.ts'
import type { JournalRow } from '../../src/core/change/row.ts'
import {
  type RelPath,
  ROOT,
  STAGING_NAME,
  basename,
  child,
  isBelow,
  isStaging,
} from '../../src/core/path/rel-path.ts'
import { hashBytes } from '../../src/platform/hash.ts'
import { find } from '../fakes/memory-disk.ts'
import { type MemoryTree, walk } from '../fakes/memory-tree.ts'
import { textOf } from './history.ts'
import type { SimBinding } from './sim-binding.ts'
import type { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'
import { leaderOf } from './union.ts'
import { type World, rowsAt, wasEverHidden } from './world.ts'

/** Where targets keep versions aside. */
export const ASIDES = child(child(ROOT, STAGING_NAME), fromText('conflicts'))

/** What must hold at every moment between two steps. Gives what does not. */
export function violations(world: World): string[] {
  return [
    ...world.sources.flatMap(overLimit),
    ...world.targets.flatMap((target) =>
      [
        ...foreignContents(world, target),
        ...foreignAsides(world, target),
        ...ownFilesGone(target),
        ...strangersTouched(target),
        ...target.bindings.flatMap((binding) => violationsOf(world, target, binding)),
      ].map((problem) => `${target.name}: ${problem}`),
    ),
  ]
}

/** No more files leave unasked than may. */
function overLimit({ name, losses, deletionLimit }: SimSource): string[] {
  const allowed = deletionLimit?.count ?? Infinity
  return losses > allowed ? [`${name}: ${losses} files left, and ${allowed} may`] : []
}

/** No file other than a version that existed; and nothing in staging, unless it could not be ended yet. */
function foreignContents({ sources }: World, target: SimTarget): string[] {
  const { tree, ownFiles } = target
  const problems: string[] = []
  for (const path of walk(tree, ROOT)) {
    const text = contentAt(tree, path)
    if (isStaging(path)) {
      if (!isAside(path) && target.bindings.every(({ isOpen }) => isOpen))
        problems.push(`"${path}" is left of the staging folder`)
    } else if (
      text !== null &&
      ownFiles.get(path) !== text &&
      !sources.some(({ history }) => history.hadContent(path, text))
    )
      problems.push(`"${path}" holds what no source ever held: ${text.slice(0, 40)}`)
  }
  return problems
}

function contentAt(tree: MemoryTree, path: RelPath): string | null {
  const node = find(tree.disk.world, path)
  return node?.type === 'file' ? textOf(node.content) : null
}

function isAside(path: RelPath): boolean {
  return isBelow(ASIDES, path) || path === ASIDES || isBelow(path, ASIDES)
}

/** What is kept aside of a source's path is a version that it had there. */
function foreignAsides({ sources }: World, target: SimTarget): string[] {
  const names = target.tree.list(ASIDES) ?? []
  if (names.length === 0) return []
  const allowed = new Map(
    sources.flatMap((source) =>
      [...source.history.paths].map((path) => {
        const binding = target.bindings[source.order]
        return [asideName(binding?.bindingId ?? '', path), { source, path }]
      }),
    ),
  )
  return names.flatMap((name) => {
    const text = contentAt(target.tree, child(ASIDES, name))
    const of = allowed.get(name)
    if (text === null || of?.source.history.hadContent(of.path, text) === true) return []
    return [`"${name}" is kept aside, and nobody had it: ${text.slice(0, 40)}`]
  })
}

/** The paths of a binding of which something is kept aside. */
export function asidesOf(
  { tree }: SimTarget,
  { bindingId }: SimBinding,
  paths: Iterable<RelPath>,
): RelPath[] {
  return [...paths].filter((path) => tree.lstat(child(ASIDES, asideName(bindingId, path))) !== null)
}

/** As `Asides` names them: people must find them again in another version of the program. */
function asideName(bindingId: string, path: RelPath) {
  const [ofBinding, ofPath] = [hashBytes(toBytes(fromText(bindingId))), hashBytes(toBytes(path))]
  return fromText(`${ofBinding.slice(0, 12)}${ofPath.slice(0, 20)}-`).concat(
    basename(path),
  ) as ReturnType<typeof fromText>
}

function ownFilesGone({ tree, ownFiles }: SimTarget): string[] {
  return [...ownFiles]
    .filter(([path, text]) => contentAt(tree, path) !== text)
    .map(([path]) => `"${path}" is the target's own, and did not stay`)
}

function strangersTouched({ root }: SimTarget): string[] {
  const touched = root.touchedStranger()
  return touched === null ? [] : [touched]
}

function violationsOf(world: World, target: SimTarget, binding: SimBinding): string[] {
  const source = world.sources[binding.order]
  // What an unclean stop left behind could not be ended yet.
  if (source === undefined || !binding.isOpen) return []
  return [
    ...lostPaths(world, target, { source, binding }),
    ...aheadOfDisk(world, target, { source, binding }),
  ].map((problem) => `${source.name}: ${problem}`)
}

interface Line {
  readonly source: SimSource
  readonly binding: SimBinding
}

/** Nothing is gone that its source has always had, but where what is excluded is to go. */
function lostPaths(world: World, target: SimTarget, { source, binding }: Line): string[] {
  const mayBeExcluded = (path: RelPath) => target.deleteExcluded && wasEverHidden(world, path)
  return binding.index
    .rows()
    .filter(({ path }) => !source.history.everLeft(path) && target.tree.lstat(path) === null)
    .filter(({ path }) => !mayBeExcluded(path) && !gaveWay(world, target, { binding, path }))
    .map(({ path }) => `"${path}" was deleted, and was never gone at the source`)
}

/** A folder that stands or stood in the place of a file has to come and go before the file can come again. */
function gaveWay(
  world: World,
  target: SimTarget,
  { binding, path }: { readonly binding: SimBinding; readonly path: RelPath },
) {
  const others = target.bindings.filter((one) => one !== binding)
  const comesAgain = target.bindings.some(({ index }) => {
    return index.get(path)?.seq === 0 && index.pending().some((one) => one.path === path)
  })
  const isFolder = others.some(({ index }) => index.get(path)?.state.type === 'directory')
  const isOnItsWay = others.some(({ order, index }) => {
    const source = world.sources[order]
    return index.claims().has(path) || (source && isUnderWay(source, target, path))
  })
  return comesAgain || isOnItsWay || (isFolder && binding.index.conflicts().includes(path))
}

/** At or below the watermark everything is on the disk, but for what is pending and what others go before. */
function aheadOfDisk(world: World, target: SimTarget, { source, binding }: Line): string[] {
  const { journal } = source
  const watermark = binding.index.watermark()
  if (watermark === null || watermark.epoch !== journal.epoch) return []
  const pending = new Set(binding.index.pending().map(({ path }) => path))
  const range = { after: 0, upTo: watermark.seq, limit: 100_000, liveOnly: false }
  return journal
    .changes(range)
    .filter(({ path, operation }) => !pending.has(path) && !isWithheld(operation))
    .flatMap((row) => {
      const problem =
        row.state === null
          ? stillThere(world, target, { row, binding })
          : notInPlace(world, target, { row, binding })
      return problem === null ? [] : [`"${row.path}" ${problem} ${row.seq} below the watermark`]
    })
}

interface Passed {
  readonly row: JournalRow
  readonly binding: SimBinding
}

function stillThere(world: World, target: SimTarget, { row, binding }: Passed): string | null {
  const { path } = row
  if (binding.index.get(path) !== null) return 'is known still, deleted at'
  if (target.tree.lstat(path) === null) return null
  const isOthers =
    rowsAt(target, path).length > 0 || target.bindings.some(({ index }) => index.claims().has(path))
  const isExtra = target.ownFiles.has(path) || wasEverHidden(world, path)
  return isOthers || isExtra ? null : 'is there, deleted at'
}

function notInPlace(world: World, target: SimTarget, { row, binding }: Passed): string | null {
  const { path, state } = row
  const here = target.tree.lstat(path)
  if (here === null) return gaveWay(world, target, { binding, path }) ? null : 'is missing, sent at'
  const wishes = rowsAt(target, path).map(({ order, state: { type, mtimeNs } }) => {
    return { order, type, mtimeNs }
  })
  if (leaderOf(world.scenario.conflict, wishes)?.order !== binding.order || state === null)
    return null
  const isClaimed = target.bindings.some(({ index }) => index.claims().has(path))
  if (isClaimed || world.sources.some((source) => isUnderWay(source, target, path))) return null
  // Where a file has several names, what a newer set says of one of them is true of all.
  const isTimeDue = here.linkCount === 1 && state.linkCount === 1
  const isSame =
    here.type === state.type &&
    here.linkTarget === state.linkTarget &&
    (state.type !== 'file' || here.size === state.size) &&
    (state.type !== 'file' || !isTimeDue || here.mtimeNs === state.mtimeNs)
  return isSame ? null : 'is not what was sent at'
}

/** A newer version of a source may lie there already, though the set that brought it has not ended. */
function isUnderWay({ order, journal }: SimSource, { bindings }: SimTarget, path: RelPath) {
  const seq = journal.row(path)?.seq ?? 0
  const { index } = bindings[order] ?? {}
  const isPending = index?.pending().some((one) => one.path === path) === true
  return isPending || seq > (index?.watermark()?.seq ?? 0)
}
