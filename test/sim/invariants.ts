import { type FileType, isWithheld } from '../../src/core/change/entry.ts'
import { type RelPath, ROOT, isStaging } from '../../src/core/path/rel-path.ts'
import { attributesOf } from '../fakes/memory-attributes.ts'
import { find } from '../fakes/memory-disk.ts'
import { type MemoryTree, walk } from '../fakes/memory-tree.ts'
import type { SimSource } from './sim-source.ts'
import type { SimTarget } from './sim-target.ts'

/** Everything that ever was at the source. */
export class History {
  readonly #contents = new Map<RelPath, Set<string>>()
  /** Paths that were there and then, at some moment, were not, or were something else. */
  readonly #left = new Set<RelPath>()
  #present = new Map<RelPath, FileType>()

  /** Looks at the source; to be called after whatever may have changed it. */
  note(tree: MemoryTree): void {
    const now = new Map<RelPath, FileType>()
    for (const path of walk(tree, ROOT)) {
      const node = find(tree.disk.world, path)
      if (node === null) continue
      now.set(path, node.type)
      if (node.type === 'file') this.#versionsOf(path).add(textOf(node.content))
    }
    for (const [path, type] of this.#present) if (now.get(path) !== type) this.#left.add(path)
    this.#present = now
  }

  hadContent(path: RelPath, content: string): boolean {
    return this.#contents.get(path)?.has(content) ?? false
  }

  everLeft(path: RelPath): boolean {
    return this.#left.has(path)
  }

  #versionsOf(path: RelPath): Set<string> {
    const known = this.#contents.get(path) ?? new Set()
    this.#contents.set(path, known)
    return known
  }
}

function textOf(content: Uint8Array): string {
  return Buffer.from(content).toString('latin1')
}

/** What must hold at every moment between two steps. Gives what does not. */
export function violations(source: SimSource, target: SimTarget, history: History): string[] {
  return [
    ...foreignContents(target, history),
    ...lostPaths(target, history),
    ...aheadOfDisk(source, target),
    ...overLimit(source),
  ].map((problem) => `${target.bindingId}: ${problem}`)
}

/** No file other than a version that existed. */
function foreignContents({ tree }: SimTarget, history: History): string[] {
  const problems: string[] = []
  for (const path of walk(tree, ROOT)) {
    const node = find(tree.disk.world, path)
    if (isStaging(path)) problems.push(`"${path}" is left of the staging folder`)
    else if (node?.type === 'file' && !history.hadContent(path, textOf(node.content)))
      problems.push(
        `"${path}" holds what the source never held: ${textOf(node.content).slice(0, 40)}`,
      )
  }
  return problems
}

/** Nothing is gone that was not gone at the source. */
function lostPaths({ tree, index }: SimTarget, history: History): string[] {
  return index
    .rows()
    .filter(({ path }) => !history.everLeft(path) && tree.lstat(path) === null)
    .map(({ path }) => `"${path}" was deleted, and was never gone at the source`)
}

/** At or below the watermark everything is on the disk, but for what is pending. */
function aheadOfDisk({ journal }: SimSource, target: SimTarget): string[] {
  const watermark = target.index.watermark()
  if (watermark === null || watermark.epoch !== journal.epoch) return []
  const pending = new Set(target.index.pending().map(({ path }) => path))
  const range = { after: 0, upTo: watermark.seq, limit: 100_000, liveOnly: false }
  return journal
    .changes(range)
    .filter(({ path }) => !pending.has(path))
    .flatMap(({ path, state, seq, operation }) => {
      if (isWithheld(operation)) return []
      const here = target.tree.lstat(path)
      if (state === null)
        return here === null ? [] : [`"${path}" is there, deleted at ${seq} below the watermark`]
      if (here === null) return [`"${path}" is missing, sent at ${seq} below the watermark`]
      // Where a file has several names, what a newer set says of one of them is true of all.
      const isTimeDue = here.linkCount === 1 && state.linkCount === 1
      const isSame =
        here.type === state.type &&
        here.linkTarget === state.linkTarget &&
        (state.type !== 'file' || here.size === state.size) &&
        (state.type !== 'file' || !isTimeDue || here.mtimeNs === state.mtimeNs)
      return isSame ? [] : [`"${path}" is not what was sent at ${seq} below the watermark`]
    })
}

/** No more files leave unasked than may. */
function overLimit(source: SimSource): string[] {
  const allowed = source.deletionLimit?.count ?? Infinity
  return source.losses > allowed ? [`${source.losses} files left, and ${allowed} may`] : []
}

/** The files that a target had before a step, to see that it still has what is withheld. */
export class Withheld {
  #files = new Map<RelPath, string>()

  /** Gives what went, or became another, although it was withheld before and after. */
  check(target: SimTarget, before: ReadonlySet<RelPath>, after: ReadonlySet<RelPath>): string[] {
    const files = new Map<RelPath, string>()
    for (const path of walk(target.tree, ROOT)) {
      const node = find(target.tree.disk.world, path)
      if (node?.type === 'file') files.set(path, textOf(node.content))
    }
    const stayed = [...this.#files].filter(([path]) => before.has(path) && after.has(path))
    this.#files = files
    return stayed
      .filter(([path, content]) => files.get(path) !== content)
      .map(([path]) => `${target.bindingId}: "${path}" did not stay, and is withheld`)
  }
}

/** At rest the trees are identical, but for what is withheld. Gives where they are not. */
export function differences(
  source: MemoryTree,
  target: SimTarget,
  withheld: ReadonlySet<RelPath>,
): string[] {
  const left = picture(source, withheld, target.names === 'kept')
  const right = picture(target.tree, withheld, target.names !== 'few')
  const paths = [...new Set([...left.keys(), ...right.keys()])]
  return paths
    .filter((path) => left.get(path) !== right.get(path) && !withheld.has(path))
    .map(
      (path) => `"${path}" is ${left.get(path) ?? 'nothing'} and ${right.get(path) ?? 'nothing'}`,
    )
}

/** Every path with what lies there, and, where asked, the first of the names of its file that count, else itself. */
function picture(
  tree: MemoryTree,
  withheld: ReadonlySet<RelPath>,
  tellsNames: boolean,
): Map<RelPath, string> {
  const lines = new Map<RelPath, string>()
  const firstNames = new Map<bigint, RelPath>()
  for (const path of [ROOT, ...walk(tree, ROOT)]) {
    const node = find(tree.disk.world, path)
    if (node === null) continue
    const { type, mode, uid, gid, mtimeNs, linkTarget, content } = node
    const attributes = JSON.stringify(attributesOf(node, { xattrs: true, acls: true }))
    const body = type === 'file' ? textOf(content).slice(0, 60) : linkTarget
    if (type === 'file' && !firstNames.has(node.inode) && !withheld.has(path))
      firstNames.set(node.inode, path)
    const first = type === 'file' && tellsNames ? firstNames.get(node.inode) : path
    lines.set(
      path,
      `${type} ${mode.toString(8)} ${uid} ${gid} ${mtimeNs} ${content.length} ${body} ${attributes} of ${first}`,
    )
  }
  return lines
}
