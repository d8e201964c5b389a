import { type ByteString, toText } from '../base/byte-string.ts'
import type { Failure, Result } from '../base/result.ts'
import { type RelPath, parent } from '../path/rel-path.ts'

/** Tells whether a compiled pattern occurs anywhere in a text. */
export type Matches = (text: string) => boolean

/** Compiles a pattern of RE2 syntax; PATTERN_UNSAFE for what is none. The platform gives the real engine. */
export type CompilePattern = (pattern: string) => Result<Matches>

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
  compile: CompilePattern,
): Result<Filter, Failure> {
  const include = compileAll(patterns.include, compile)
  if (!include.ok) return include
  const exclude = compileAll(patterns.exclude, compile)
  if (!exclude.ok) return exclude
  return { ok: true, value: filterOf(include.value, exclude.value) }
}

function compileAll(patterns: readonly string[], compile: CompilePattern): Result<Matches[]> {
  const compiled: Matches[] = []
  for (const pattern of patterns) {
    const result = compile(pattern)
    if (!result.ok) return result
    compiled.push(result.value)
  }
  return { ok: true, value: compiled }
}

function filterOf(include: readonly Matches[], exclude: readonly Matches[]): Filter {
  const isExcluded = (path: RelPath): boolean =>
    exclude.length > 0 && path !== '' && matchesAny(exclude, path)
  const letsThroughHere = (path: RelPath, kind: PathKind): boolean => {
    if (isExcluded(path)) return false
    return kind === 'folder' || include.length === 0 || matchesAny(include, path)
  }
  const letsThrough = (path: RelPath, kind: PathKind): boolean => {
    if (!letsThroughHere(path, kind)) return false
    if (exclude.length === 0) return true
    for (let folder = parent(path); folder !== null; folder = parent(folder)) {
      if (isExcluded(folder)) return false
    }
    return true
  }
  return { letsThrough, letsThroughHere }
}

function matchesAny(patterns: readonly Matches[], path: ByteString): boolean {
  const { text } = toText(path)
  return patterns.some((matches) => matches(text))
}
