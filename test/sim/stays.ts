import type { EntryOperation } from '../../src/core/change/entry.ts'
import { type RelPath, ROOT, isStaging } from '../../src/core/path/rel-path.ts'
import { type Node, find } from '../fakes/memory-disk.ts'
import { walk } from '../fakes/memory-tree.ts'
import { textOf } from './history.ts'
import type { View } from './scenario.ts'
import type { SimTarget } from './sim-target.ts'
import type { World } from './world.ts'

interface Thing {
  readonly isFolder: boolean
  readonly content: string
  /** What all names of a file share. */
  readonly metadata: string
  readonly hasOtherNames: boolean
}

/** What a source said of paths at some moment. */
interface SourceLook {
  readonly view: View
  readonly operations: ReadonlyMap<RelPath, EntryOperation>
  /** By path, the seq at which it was said. */
  readonly withheld: ReadonlyMap<RelPath, number>
}

interface TargetLook {
  readonly things: ReadonlyMap<RelPath, Thing>
  /** By source: the paths of which the index has something, or a set that never ended may have placed something. */
  readonly indexed: readonly ReadonlySet<RelPath>[]
  /** Those of them that only sets which never ended may have placed. */
  readonly claimed: readonly ReadonlySet<RelPath>[]
  /** Up to where each source was heard; 0 where it is at another epoch. */
  readonly heard: readonly number[]
  /** By source: the seqs at which paths were said to be deleted, as this target tells others. */
  readonly toldGone: readonly ReadonlyMap<RelPath, number>[]
}

interface Look {
  readonly sources: readonly SourceLook[]
  readonly targets: readonly TargetLook[]
}

/** One path of a target, and all that was said of it before a step and after it. */
interface Case {
  readonly path: RelPath
  readonly had: Thing | undefined
  readonly has: Thing | undefined
  readonly sources: readonly SourceLook[]
  readonly sourcesNow: readonly SourceLook[]
  readonly indexed: TargetLook['indexed']
  readonly indexedNow: TargetLook['indexed']
  readonly claimed: TargetLook['claimed']
  readonly heard: TargetLook['heard']
  /** Of all targets. */
  readonly toldGone: readonly TargetLook['toldGone'][]
}

/** Targets as they were before a step, to see that they still have what nobody may touch. */
export class Stays {
  readonly #world: World
  #before: Look

  constructor(world: World) {
    this.#world = world
    this.#before = lookAt(world)
  }

  /** Something lies at a target that is out of everyone's sight. */
  get hasHidden(): boolean {
    const { sources, targets } = this.#before
    return targets.some(({ things }) =>
      [...things].some(([path, thing]) => sources.every(({ view }) => isOutOf(view, path, thing))),
    )
  }

  /** Gives what did not stay since the last call. */
  check(): string[] {
    const before = this.#before
    const now = lookAt(this.#world)
    this.#before = now
    return this.#world.targets.flatMap((target, index) => {
      const [had, has] = [before.targets[index], now.targets[index]]
      if (had === undefined || has === undefined) return []
      return [...new Set([...had.things.keys(), ...has.things.keys()])].flatMap((path) => {
        const problem = judge(target, {
          path,
          had: had.things.get(path),
          has: has.things.get(path),
          sources: before.sources,
          sourcesNow: now.sources,
          indexed: had.indexed,
          indexedNow: has.indexed,
          claimed: had.claimed,
          heard: has.heard,
          toldGone: before.targets.map((one) => one.toldGone),
        })
        return problem === null ? [] : [`${target.name}: "${path}" ${problem}`]
      })
    })
  }
}

function judge(target: SimTarget, one: Case): string | null {
  const { had, has } = one
  // The invariants look after its own.
  if (isSame(had, has) || target.ownFiles.has(one.path)) return null
  if (had === undefined) return isHidden(one, has) ? 'came, and is excluded' : null
  if (isHidden(one, had) && !mayGo(target, one)) return 'did not stay, and is excluded'
  if (had.isFolder || had.content === has?.content) return null
  return one.sources.every((_, order) => isKept(one, order))
    ? null
    : 'did not stay, and is withheld'
}

/** By another name, which may be in sight, anyone may change the metadata of a file. */
function isSame(had: Thing | undefined, has: Thing | undefined): boolean {
  if (had?.content !== has?.content) return false
  const isShared = had?.hasOtherNames === true || has?.hasOtherNames === true
  return isShared || had?.isFolder === true || had?.metadata === has?.metadata
}

/** Tells whether something at a path was out of everyone's sight all the time. */
function isHidden({ path, sources, sourcesNow }: Case, thing: Thing | undefined): boolean {
  if (thing === undefined) return false
  return [...sources, ...sourcesNow].every(({ view }) => isOutOf(view, path, thing))
}

function isOutOf({ filter }: View, path: RelPath, { isFolder }: Thing): boolean {
  return !filter.letsThrough(path, isFolder ? 'folder' : 'leaf')
}

/**
 * What is excluded goes where that is wanted, or where it had been deleted before; or it makes room for what is not. What no
 * set placed to its end may go as if it had never come.
 */
function mayGo({ deleteExcluded }: SimTarget, one: Case): boolean {
  const { path, has, sources, sourcesNow, indexed, claimed } = one
  const isDeleted = (order: number) =>
    [sources, sourcesNow].some((looks) => looks[order]?.operations.get(path) === 'delete')
  const knowing = [...indexed.keys()].filter((order) => indexed[order]?.has(path))
  if (knowing.length === 0) return false
  if (has !== undefined) return !isHidden(one, has)
  const isUnfinished = knowing.every((order) => claimed[order]?.has(path))
  return deleteExcluded || isUnfinished || knowing.some(isDeleted)
}

/**
 * What a source has its targets keep stays; where another source has something there as well, something stays. Who has not
 * heard of it may still get an older version from another target, or hear from one that it had been deleted before.
 */
function isKept(one: Case, order: number): boolean {
  const { path, has, sources, sourcesNow, indexed, indexedNow, heard } = one
  const isWithheld = [sources, sourcesNow].every((looks) => looks[order]?.withheld.has(path))
  const saidAt = sources[order]?.withheld.get(path) ?? 0
  const heardTo = heard[order] ?? 0
  const wasDeleted = one.toldGone.some((of) => (of[order]?.get(path) ?? Infinity) <= heardTo)
  if (!isWithheld || (heardTo < saidAt && (has !== undefined || wasDeleted))) return true
  const isOthers = [indexed, indexedNow].some((rows) =>
    rows.some((paths, of) => of !== order && paths.has(path)),
  )
  return isOthers && (has !== undefined || indexed[order]?.has(path) !== true)
}

function lookAt({ sources, targets }: World): Look {
  return {
    sources: sources.map((source) => {
      const operations = source.operations()
      const withheld = [...source.withheld()].map(
        (path) => [path, source.journal.row(path)?.seq ?? 0] as const,
      )
      return { view: source.view, operations, withheld: new Map(withheld) }
    }),
    targets: targets.map((target) => ({
      things: thingsOf(target),
      indexed: target.bindings.map(
        ({ index }) => new Set([...index.rows().map(({ path }) => path), ...index.claims()]),
      ),
      claimed: target.bindings.map(
        ({ index }) => new Set([...index.claims()].filter((path) => index.get(path) === null)),
      ),
      heard: target.bindings.map(({ order, index }) => {
        const watermark = index.watermark()
        return watermark?.epoch === sources[order]?.journal.epoch ? (watermark?.seq ?? 0) : 0
      }),
      toldGone: target.bindings.map(({ index }) => {
        const deleted = index.absences().all.filter(({ operation }) => operation === 'delete')
        return new Map(deleted.map(({ path, seq }) => [path, seq]))
      }),
    })),
  }
}

function thingsOf({ tree }: SimTarget): Map<RelPath, Thing> {
  const things = new Map<RelPath, Thing>()
  for (const path of walk(tree, ROOT)) {
    const node = find(tree.disk.world, path)
    if (node !== null && !isStaging(path)) things.set(path, thingOf(node))
  }
  return things
}

function thingOf({ type, mode, mtimeNs, linkTarget, names, content }: Node): Thing {
  return {
    isFolder: type === 'directory',
    content: `${type} ${linkTarget} ${textOf(content)}`,
    metadata: `${mode} ${mtimeNs}`,
    hasOtherNames: names > 1,
  }
}
