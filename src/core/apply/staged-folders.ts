import { listsOf } from '../change/attributes.ts'
import { type RelPath, ROOT, basename, child, parent } from '../path/rel-path.ts'
import { isRefusal } from './refusal.ts'
import type { Staging } from './staging.ts'
import type { TargetTree } from './target-tree.ts'
import type { Prepared } from './work.ts'

interface StagedFolder {
  readonly path: RelPath
  /** Where in it what lies for which path. */
  readonly files: Map<RelPath, RelPath>
}

const SET_GROUP_ID = 0o2000

/**
 * New folders of a set that are filled in staging, and come to their places in one step with all that is in them: one
 * rename instead of one for each file. Not where a folder hands something down to those that are made in it, a group or an
 * access list: staging would hand down something else.
 */
export class StagedFolders {
  readonly #tree: TargetTree
  readonly #staging: Staging
  /** The mode of each when it is made. */
  readonly #expected = new Map<RelPath, number>()
  readonly #handingDown = new Map<RelPath, boolean>()
  readonly #filled = new Map<RelPath, StagedFolder>()

  constructor(tree: TargetTree, staging: Staging) {
    this.#tree = tree
    this.#staging = staging
  }

  /** The set makes this folder, whose parents were told of before; nothing lies at its path, and nothing did. */
  expect(folder: RelPath, mode: number): void {
    const above = parent(folder)
    if (above === null || this.#isHandingDown(ROOT) || this.#isHandingDown(above)) return
    this.#expected.set(folder, mode)
    this.#handingDown.set(folder, (mode & SET_GROUP_ID) !== 0)
  }

  /** A place for new content in its folder; null where that is not made here. */
  newPath(path: RelPath): RelPath | null {
    const folder = parent(path)
    const mode = folder === null ? undefined : this.#expected.get(folder)
    if (folder === null || mode === undefined) return null
    const { path: staged, files } = this.#filled.get(folder) ?? this.#make(folder, mode)
    const place = child(staged, basename(path))
    files.set(path, place)
    return place
  }

  /**
   * Brings a folder to its place with what was prepared in it of these paths, which then lies there. False where that
   * cannot be, and everything is as before.
   */
  place(folder: RelPath, placed: ReadonlySet<RelPath>, prepared: Map<RelPath, Prepared>): boolean {
    const filled = this.#filled.get(folder)
    if (filled === undefined) return false
    const files = [...filled.files]
    const isPrepared = ([path, place]: [RelPath, RelPath]) => prepared.get(path)?.path === place
    const arrived = files.filter(isPrepared)
    if (!arrived.every(([path]) => placed.has(path))) return false
    // What was left out, or is not what its source has signed.
    for (const file of files) if (!isPrepared(file)) this.#tree.unlink(file[1])
    if (!this.#rename(filled.path, folder)) return false
    for (const [path] of arrived) {
      const made = prepared.get(path)
      if (made !== undefined) prepared.set(path, { ...made, path })
    }
    return true
  }

  #isHandingDown(folder: RelPath): boolean {
    const known = this.#handingDown.get(folder)
    if (known !== undefined) return known
    const found = mayHandDown(this.#tree, folder)
    this.#handingDown.set(folder, found)
    return found
  }

  #make(folder: RelPath, mode: number): StagedFolder {
    const made = { path: this.#staging.newPath(), files: new Map<RelPath, RelPath>() }
    this.#tree.makeDirectory(made.path, mode)
    this.#filled.set(folder, made)
    return made
  }

  /** Where a folder cannot come from staging, each file may. */
  #rename(from: RelPath, to: RelPath): boolean {
    try {
      this.#tree.place(from, to)
      return true
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      return false
    }
  }
}

/** What nobody can tell counts as handing down. */
function mayHandDown(tree: TargetTree, folder: RelPath): boolean {
  try {
    const disk = tree.lstatClosely(folder, { xattrs: false, acls: true })
    if (disk?.type !== 'directory' || (disk.mode & SET_GROUP_ID) !== 0) return true
    return listsOf(disk.attributes)?.inherited !== null
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
    return true
  }
}
