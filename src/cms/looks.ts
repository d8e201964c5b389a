import { AppError } from '../core/base/errors.ts'
import type { Look } from '../core/change/detect-buffer.ts'
import type { FileState } from '../core/change/entry.ts'
import type { Observation } from '../core/change/observation.ts'
import { scan } from '../core/change/scan.ts'
import { inTreeOrder } from '../core/change/tree-order.ts'
import { type RelPath, ROOT, isBelow, isStaging, parent } from '../core/path/rel-path.ts'
import { LOOKS_MS_MAX, RECORD_ROWS_MAX } from './detection-limits.ts'
import type { Recorder } from './recorder.ts'
import { type SourceParts, nextTurn, noteUnreadable, scanOptions } from './source-parts.ts'

/** A file that was not written to for so long is taken as it is, which spares the question whether it is open. */
const RECENT_MS = 1000

/**
 * Looks at what the detect buffer gave out and records it: first everything that is there, folders that appeared with
 * all that lies in them, then what is gone, so that a renamed tree is met under its new name while the journal still
 * has the old one.
 */
export class Looks {
  readonly #parts: SourceParts
  readonly #recorder: Recorder
  #present: Observation[] = []
  #gone: RelPath[] = []
  #turnEndsMs = 0

  constructor(parts: SourceParts, recorder: Recorder) {
    this.#parts = parts
    this.#recorder = recorder
  }

  /** Throws where the root is not the known one any more; then nothing has left. */
  async process(looks: readonly Look[]): Promise<void> {
    this.#present = []
    this.#gone = []
    this.#turnEndsMs = performance.now() + LOOKS_MS_MAX
    let covered: RelPath | null = null
    for (const look of this.#withFolders(looks)) {
      if (covered !== null && isBelow(look.path, covered)) continue
      if (await this.#look(look)) covered = look.path
      await this.#bound()
    }
    this.#recordPresent()
    await this.#recorder.recordMissing(this.#gone)
  }

  /**
   * Adds the folder of each path, whose own mtime changes with its names. Where a folder is not in the journal its hint
   * is late or lost: it is taken with everything in it.
   */
  #withFolders(looks: readonly Look[]): Look[] {
    const all = new Map<RelPath, Look>()
    const files = new Set<bigint>()
    const add = (path: RelPath, deep: boolean) => all.set(path, { path, deep, cause: 'hint' })
    for (const look of looks) {
      const { path } = look
      if (isStaging(path)) continue
      if (!(all.get(path)?.deep ?? false)) all.set(path, look)
      if (look.cause === 'again') continue
      for (const name of this.#otherNames(path, files)) if (!all.has(name)) add(name, false)
      for (let folder = parent(path); folder !== null; folder = parent(folder)) {
        if (all.has(folder)) break
        const isKnown = this.#parts.journal.row(folder)?.state?.type === 'directory'
        add(folder, !isKnown && folder !== ROOT)
        if (isKnown) break
      }
    }
    return [...all.values()].sort((left, right) => inTreeOrder(left.path, right.path))
  }

  /**
   * A write by one name of a file is told of that name only, and changes what the others are. `known` holds the files
   * of which all names were given before: many hints are of one file where all of its names are touched.
   */
  #otherNames(path: RelPath, known: Set<bigint>): readonly RelPath[] {
    const { disk, journal } = this.#parts
    const states = [journal.row(path)?.state ?? null, disk.look(path)].filter(hasOtherNames)
    const files = new Set(states.map(({ inode }) => inode)).difference(known)
    for (const inode of files) known.add(inode)
    return [...files].flatMap((inode) => journal.pathsOfInode(inode))
  }

  /** True where everything below was taken too. */
  async #look({ path, deep, cause }: Look): Promise<boolean> {
    const { disk, filter } = this.#parts
    const state = disk.look(path)
    if (state === 'unreadable') {
      noteUnreadable(this.#parts, path)
      return true
    }
    if (state === null) {
      if (path === ROOT) throw new AppError('ROOT_MISSING', 'cannot look at the root: it is gone')
      this.#gone.push(path)
      return false
    }
    this.#present.push({ path, state, cause })
    const isFolder = state.type === 'directory'
    if (!isFolder || !filter.letsThrough(path, 'folder')) return false
    if (!deep && !this.#isNewFolder(path, state)) return false
    await this.#takeTree(path)
    return true
  }

  #isNewFolder(path: RelPath, state: FileState): boolean {
    const known = this.#parts.journal.row(path)?.state
    return path !== ROOT && (known?.type !== 'directory' || known.inode !== state.inode)
  }

  /**
   * Everything below a folder, compared with its rows: it may be another folder than the one they speak of, and then
   * what they name and the disk has not is gone.
   */
  async #takeTree(folder: RelPath): Promise<void> {
    for (const step of scan(folder, scanOptions(this.#parts))) {
      if (step.kind === 'unreadable') noteUnreadable(this.#parts, step.path)
      if (step.kind === 'missing') this.#gone.push(step.path)
      if (step.kind === 'seen' && !this.#isInTheMaking(step))
        this.#present.push({ path: step.path, state: step.state, cause: 'hint' })
      await this.#bound()
    }
  }

  /** A file met in a new folder while it is written is held like one that was told of. */
  #isInTheMaking({ path, state }: { path: RelPath; state: FileState }): boolean {
    const { buffer, clock, disk, isFlushing } = this.#parts
    const nowMs = clock.nowMs()
    const isRecent = nowMs - Number(state.mtimeNs / 1_000_000n) < RECENT_MS
    if (state.type !== 'file' || state.linkCount !== 1 || !isRecent) return false
    if (isFlushing() || !disk.isBeingWritten(path)) return false
    buffer.add({ path, kind: 'created', cookie: null, isDirectory: false }, nowMs)
    return true
  }

  /** What was seen is recorded before anyone else has a turn, so that it cannot overwrite anything newer. */
  async #bound(): Promise<void> {
    if (this.#present.length < RECORD_ROWS_MAX && performance.now() < this.#turnEndsMs) return
    this.#recordPresent()
    await nextTurn()
    this.#turnEndsMs = performance.now() + LOOKS_MS_MAX
  }

  /** What was replaced or left the view is removed in bounded steps later: `missing` looks at it again. */
  #recordPresent(): void {
    const left = this.#recorder.record(this.#present)
    this.#present = []
    for (const { path } of left) this.#gone.push(path)
  }
}

function hasOtherNames(state: FileState | null | 'unreadable'): state is FileState {
  return state !== null && state !== 'unreadable' && state.type === 'file' && state.linkCount > 1
}
