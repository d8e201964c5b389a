import type { ReadTree } from '../../core/apply/target-tree.ts'
import type { ByteString } from '../../core/base/byte-string.ts'
import { AppError, toAppError } from '../../core/base/errors.ts'
import { orThrow } from '../../core/base/or-throw.ts'
import type { DiskView } from '../../core/change/disk-view.ts'
import type { FileState } from '../../core/change/entry.ts'
import { walk } from '../../core/change/walk.ts'
import { type CompilePatterns, type Filter, createFilter } from '../../core/filter/filter.ts'
import { type RelPath, ROOT } from '../../core/path/rel-path.ts'
import type { AgentMessageOf, MasterMessageOf } from '../../core/wire/control.ts'
import {
  type FilterTrial,
  TRIAL_PATH_BYTES_MAX,
  TRIAL_SAMPLE_MAX,
  type TrialPart,
} from '../../core/wire/filter-trial.ts'
import type { Browsing } from './list-files.ts'

export interface FilterTrialParts extends Browsing {
  readonly compile: CompilePatterns
  /** How long a folder is gone through at most, in milliseconds. */
  readonly timeMs: number
}

/** How long a folder is gone through: whoever asked waits for the answer, and the master gives up after 15 s. */
export const FILTER_TRIAL_MS = 8000

/** How long everybody else waits for all trials together at a time, in milliseconds. */
const SLICE_MS = 10

/** Trials at a time: the form asks for five; each holds open folders and the names in them. */
const TRIALS_MAX = 10

/** Filters that are tried on folders of this host. Together they take no more of its time than one would. */
export class FilterTrials {
  readonly #parts: FilterTrialParts
  #running = 0

  constructor(parts: FilterTrialParts) {
    this.#parts = parts
  }

  /**
   * Says what a filter lets through of a folder of this host, where the time is up what was found until then:
   * ROOT_REFUSED where no policy may have it as a root, ROOT_MISSING, PATTERN_UNSAFE, TOO_MANY_ATTEMPTS.
   */
  async answer(request: MasterMessageOf<'tryFilter'>): Promise<AgentMessageOf<'filterTried'>> {
    const { requestId } = request
    try {
      return { type: 'filterTried', requestId, trial: await this.#try(request), error: null }
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      return { type: 'filterTried', requestId, trial: null, error: { code, message } }
    }
  }

  async #try(request: MasterMessageOf<'tryFilter'>): Promise<FilterTrial> {
    if (this.#running >= TRIALS_MAX) throw tooMany()
    const { allowList, compile, openTree } = this.#parts
    const filter = orThrow(createFilter(request, compile))
    const tree = openTree(orThrow(allowList.checkRoot(request.path as ByteString)))
    this.#running++
    try {
      return await this.#goThrough(tree, filter)
    } finally {
      this.#running--
      tree.close()
    }
  }

  async #goThrough(tree: ReadTree, filter: Filter): Promise<FilterTrial> {
    const count = new Count(filter)
    const steps = walk(ROOT, { disk: diskOf(tree), isInView: count.isInView })
    const endsMs = performance.now() + this.#parts.timeMs
    let turnEndsMs = this.#turnEndsMs()
    while (steps.next().done !== true) {
      const nowMs = performance.now()
      if (nowMs > endsMs) return count.told(false)
      if (nowMs < turnEndsMs) continue
      await new Promise((resolve) => void setImmediate(resolve))
      turnEndsMs = this.#turnEndsMs()
    }
    return count.told(true)
  }

  #turnEndsMs(): number {
    return performance.now() + SLICE_MS / this.#running
  }
}

function tooMany(): AppError {
  const seconds = FILTER_TRIAL_MS / 1000
  return new AppError(
    'TOO_MANY_ATTEMPTS',
    `cannot try the filter: ${TRIALS_MAX} are being tried on this host; ask again in ${seconds} s`,
  )
}

/** What cannot be read is passed over, as a scan would keep what it knew of it. */
function diskOf(tree: ReadTree): DiskView {
  const look = orUnreadable((path) => tree.lstat(path))
  return { look, lookClosely: look, kinds: null, list: orUnreadable((path) => tree.list(path)) }
}

function orUnreadable<T>(read: (path: RelPath) => T): (path: RelPath) => T | 'unreadable' {
  return (path) => {
    try {
      return read(path)
    } catch (thrown) {
      if (toAppError(thrown).code === 'INTERNAL') throw thrown
      return 'unreadable'
    }
  }
}

/** What passes and what does not, counted. */
class Count {
  readonly #filter: Filter
  readonly #passes = emptyPart()
  readonly #leftOut = emptyPart()

  constructor(filter: Filter) {
    this.#filter = filter
  }

  readonly isInView = (path: RelPath, state: FileState): boolean => {
    const kind = state.type === 'directory' ? 'folder' : 'leaf'
    const isLetThrough = this.#filter.letsThroughHere(path, kind)
    add(isLetThrough ? this.#passes : this.#leftOut, path, state)
    return isLetThrough
  }

  told(isWhole: boolean): FilterTrial {
    return { passes: this.#passes, leftOut: this.#leftOut, isWhole }
  }
}

function emptyPart(): TrialPart {
  return { files: 0, folders: 0, bytes: 0, sample: [] }
}

function add(part: TrialPart, path: RelPath, { type, size }: FileState): void {
  const isFolder = type === 'directory'
  if (isFolder) part.folders++
  else part.files++
  if (type === 'file') part.bytes += size
  const shown = isFolder ? `${path}/` : path
  if (part.sample.length < TRIAL_SAMPLE_MAX && shown.length <= TRIAL_PATH_BYTES_MAX)
    part.sample.push(shown)
}
