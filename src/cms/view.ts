import type { AttributeKinds } from '../core/change/attributes.ts'
import type { Journal } from '../core/change/journal.ts'
import type { Leaving } from '../core/change/observation.ts'
import type { JournalRow } from '../core/change/row.ts'
import type { Filter } from '../core/filter/filter.ts'
import { type RelPath, ROOT } from '../core/path/rel-path.ts'
import type { SourceConfig } from '../core/wire/control.ts'
import { SCAN_SLICE_MS_MAX } from './detection-limits.ts'
import { nextTurn } from './source-parts.ts'

/** Everything that decides what the journal of a source holds and what is sent of it. */
export type View = Pick<SourceConfig, 'path' | 'filter' | 'metadata'>

/** Gives the view of a configuration as a text that is the same for the same view. */
export function viewText({ path, filter, metadata }: View): string {
  const { owner, mode, hardLinks, xattrs, acls, sparse } = metadata
  return JSON.stringify({
    path,
    filter: { include: filter.include, exclude: filter.exclude },
    metadata: { owner, mode, hardLinks, xattrs, acls, sparse },
  })
}

/** Which attributes of a path are looked at and sent; null for none. */
export function attributeKinds({ metadata }: Pick<View, 'metadata'>): AttributeKinds | null {
  const { xattrs, acls } = metadata
  return xattrs || acls ? { xattrs, acls } : null
}

export type ViewPart = 'path' | 'filter' | 'metadata' | 'attributes'

/** Which parts of two views differ. */
export function changedParts(before: string, after: string): ReadonlySet<ViewPart> {
  const [left, right] = [parts(before), parts(after)]
  const names = ['path', 'filter', 'metadata', 'attributes'] as const
  return new Set(names.filter((name) => JSON.stringify(left[name]) !== JSON.stringify(right[name])))
}

/** The text is this program's own. What cannot be read is as good as another view. */
function parts(text: string): Partial<Record<ViewPart, unknown>> {
  try {
    const { path, filter, metadata } = JSON.parse(text) as View
    const { xattrs, acls, ...rest } = metadata
    return { path, filter, metadata: rest, attributes: { xattrs, acls } }
  } catch {
    return {}
  }
}

interface ViewTools {
  readonly filter: Filter
  readonly nowMs: () => number
}

/** Brings the rows of a journal to the view of a configuration, whose filter `filter` is, where they are of another. */
export async function prepareView(
  journal: Journal,
  config: View & Pick<SourceConfig, 'viewRevision'>,
  tools: ViewTools,
): Promise<void> {
  const view = viewText(config)
  const { state } = journal
  if (state.view === view && state.viewRevision === config.viewRevision) return
  await changeView(journal, changedParts(state.view, view), tools)
  journal.adoptView(view, config.viewRevision)
}

const PAGE_ROWS = 1000

/**
 * Makes the rows those of another view: what its filter no longer lets through leaves as excluded, and where metadata
 * is sent differently every row is sent again. What the filter lets in, and other attributes, the scan that follows finds. May
 * be broken off and repeated.
 */
async function changeView(
  journal: Journal,
  changed: ReadonlySet<ViewPart>,
  tools: ViewTools,
): Promise<void> {
  let beyond: RelPath | null = null
  const root = journal.row(ROOT)
  if (changed.has('metadata') && root !== null) journal.resend([root], tools.nowMs())
  for (;;) {
    const rows: JournalRow[] = journal.liveBelow(ROOT, beyond, PAGE_ROWS)
    if (rows.length === 0) return
    beyond = rows.at(-1)?.path ?? null
    const stays = await inView(rows, tools.filter)
    let leaving: readonly Leaving[] = rows
      .filter((_row, index) => stays[index] !== true)
      .map(({ path }) => ({ path, operation: 'excluded' }))
    while (leaving.length > 0) leaving = journal.remove(leaving, tools.nowMs()).leaving
    if (changed.has('metadata')) {
      journal.resend(
        rows.filter((_row, index) => stays[index]),
        tools.nowMs(),
      )
    }
    await nextTurn()
  }
}

/** In turns with everything else: patterns may be slow. */
async function inView(rows: readonly JournalRow[], filter: Filter): Promise<boolean[]> {
  const stays: boolean[] = []
  let endsMs = performance.now() + SCAN_SLICE_MS_MAX
  for (const row of rows) {
    stays.push(isLetThrough(row, filter))
    if (performance.now() < endsMs) continue
    await nextTurn()
    endsMs = performance.now() + SCAN_SLICE_MS_MAX
  }
  return stays
}

function isLetThrough({ path, state }: JournalRow, filter: Filter): boolean {
  return state !== null && filter.letsThrough(path, state.type === 'directory' ? 'folder' : 'leaf')
}
