import { viewText } from '../../src/cms/view.ts'
import type { Siblings } from '../../src/core/apply/siblings.ts'
import { fromText } from '../../src/core/base/byte-string.ts'
import { SET_ENTRIES_MAX } from '../../src/core/base/limits.ts'
import type { DeletionLimit } from '../../src/core/change/breaker.ts'
import { type Filter, createFilter } from '../../src/core/filter/filter.ts'
import type { SourceConfig } from '../../src/core/wire/control.ts'
import { compilePatterns } from '../../src/platform/pattern.ts'
import type { Dice } from './dice.ts'

/** What becomes of names of one file: they are so as well, as far as the file system allows, or files of their own. */
export type NameKeeping = 'kept' | 'few' | 'apart'

/** What a policy is about, from one moment on. */
export interface View {
  readonly config: Pick<SourceConfig, 'path' | 'filter' | 'metadata' | 'viewRevision'>
  readonly text: string
  readonly filter: Filter
}

/** What a seed chooses before anything happens. */
export interface Scenario {
  readonly sourceCount: number
  readonly conflict: Siblings['conflict']
  /** How many files of a source may leave unasked. */
  readonly deletionLimit: DeletionLimit | null
  /** By target. */
  readonly names: readonly NameKeeping[]
  /** One after the other in the course of the run. */
  readonly views: readonly [View, ...View[]]
  readonly losesRoots: boolean
  /** Small ones make of a list many sets, of which the last may never come. */
  readonly setEntriesMax: number
  /** Targets have files of their own. */
  readonly hasOwnFiles: boolean
}

const LIMITS: readonly (DeletionLimit | null)[] = [
  null,
  { count: 1, percent: null, windowS: 1 },
  { count: 3, percent: null, windowS: 2 },
  { count: null, percent: 30, windowS: 1 },
]

const NAMES: readonly (readonly NameKeeping[])[] = [
  ['kept', 'kept'],
  ['kept', 'few'],
  ['apart', 'apart'],
]

type Patterns = Pick<SourceConfig['filter'], 'include' | 'exclude'>

/** About the names that sources give. */
const PATTERNS: readonly Patterns[] = [
  { include: [], exclude: ['(^|/)c$'] },
  { include: [], exclude: ['^b(/|$)'] },
  { include: [], exclude: ['~$', '^a/b'] },
  { include: ['(^|/)[abd]$'], exclude: [] },
  { include: ['^[a-c](/|$)'], exclude: ['/a$', '\u{fffd}'] },
]
/** Of every source. */
export const SOURCE_PATH = fromText('/source')
const EVERYTHING: Patterns = { include: [], exclude: [] }

export function drawScenario(dice: Dice): Scenario {
  const names = dice.oneOf(NAMES)
  return {
    sourceCount: 1 + dice.below(3),
    conflict: dice.oneIn(2) ? 'newest' : 'sourceOrder',
    deletionLimit: dice.oneOf(LIMITS),
    names,
    views: drawViews(dice, names),
    losesRoots: dice.oneIn(3),
    setEntriesMax: dice.oneIn(2) ? 2 + dice.below(5) : SET_ENTRIES_MAX,
    hasOwnFiles: dice.oneIn(3),
  }
}

function drawViews(dice: Dice, names: readonly NameKeeping[]): Scenario['views'] {
  const deleteExcluded = dice.oneIn(2)
  const draw = (revision: number) => {
    const patterns = dice.oneIn(2) ? EVERYTHING : dice.oneOf(PATTERNS)
    return makeView({ ...patterns, deleteExcluded }, { revision, names })
  }
  const changes = dice.oneIn(3) ? 1 + dice.below(2) : 0
  return [draw(1), ...Array.from({ length: changes }, (_, index) => draw(index + 2))]
}

function makeView(
  patterns: SourceConfig['filter'],
  { revision, names }: { readonly revision: number; readonly names: readonly NameKeeping[] },
): View {
  const filter = createFilter(patterns, compilePatterns)
  if (!filter.ok) throw new Error(filter.error.message)
  const hardLinks = !names.includes('apart')
  const config = {
    path: SOURCE_PATH,
    filter: patterns,
    metadata: { owner: 'id', mode: true, hardLinks, xattrs: true, acls: true, sparse: true },
    viewRevision: revision,
  } as const
  return { config, text: viewText(config), filter: filter.value }
}
