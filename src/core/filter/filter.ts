import { toText } from '../base/byte-string.ts'
import type { Failure, Result } from '../base/result.ts'
import { type RelPath, ROOT, parent } from '../path/rel-path.ts'

/** Tells whether any of some compiled patterns occurs anywhere in a text. */
export type Matches = (text: string) => boolean

/** Compiles patterns of RE2 syntax; PATTERN_UNSAFE for what is none, or too much. The platform gives the real engine. */
export type CompilePatterns = (patterns: readonly string[]) => Result<Matches>

export interface FilterPatterns {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/** What a path is, as far as a filter asks. */
type PathKind = 'folder' | 'leaf'

/** Which paths a policy is about. What is not let through is invisible: never created, changed or deleted. */
export interface Filter {
  /** Tells whether a path is in the view, looking at every folder above it too. */
  letsThrough(path: RelPath, kind: PathKind): boolean
  /** The same for a path whose folder is known to be in the view. */
  letsThroughHere(path: RelPath, kind: PathKind): boolean
}

/**
 * Makes a filter. `include` is for what is no folder (empty: everything), then `exclude` for all; a path is excluded
 * with the folder it lies in, as it could not exist without it. The root is always in the view. Patterns see the path
 * below the root as text; a byte that is not UTF-8 is U+FFFD to them.
 */
export function createFilter(
  patterns: FilterPatterns,
  compile: CompilePatterns,
): Result<Filter, Failure> {
  const include = compile(patterns.include)
  if (!include.ok) return include
  const exclude = compile(patterns.exclude)
  if (!exclude.ok) return exclude
  const all = patterns.include.length === 0
  const none = patterns.exclude.length === 0
  return { ok: true, value: filterOf(all ? null : include.value, none ? null : exclude.value) }
}

/** Null includes everything, and excludes nothing. */
function filterOf(include: Matches | null, exclude: Matches | null): Filter {
  if (include === null && exclude === null) return EVERYTHING
  const isExcluded = (path: RelPath): boolean =>
    exclude !== null && path !== ROOT && exclude(toText(path).text)
  const isExcludedFolder = remembering(isExcluded)
  const letsThroughHere = (path: RelPath, kind: PathKind): boolean => {
    if (kind === 'folder') return !isExcludedFolder(path)
    return !isExcluded(path) && (include === null || include(toText(path).text))
  }
  const letsThrough = (path: RelPath, kind: PathKind): boolean => {
    for (let folder = parent(path); folder !== null; folder = parent(folder)) {
      if (isExcludedFolder(folder)) return false
    }
    return letsThroughHere(path, kind)
  }
  return { letsThrough, letsThroughHere }
}

const EVERYTHING: Filter = { letsThrough: () => true, letsThroughHere: () => true }

/** Folders whose answer is remembered: those on the way to what is looked at, again and again. */
const FOLDERS_MAX = 1000

function remembering(ask: (path: RelPath) => boolean): (path: RelPath) => boolean {
  const answers = new Map<RelPath, boolean>()
  return (path) => {
    const known = answers.get(path)
    if (known !== undefined) return known
    if (answers.size >= FOLDERS_MAX) answers.clear()
    const answer = ask(path)
    answers.set(path, answer)
    return answer
  }
}
