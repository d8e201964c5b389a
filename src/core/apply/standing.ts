import { type ByteString, toBytes } from '../base/byte-string.ts'
import type { Hold } from '../change/journal.ts'
import { type RelPath, parent } from '../path/rel-path.ts'
import type { TargetPosition } from './inbound.ts'
import type { IndexStore, StoredPending } from './index-store.ts'
import type { NotedPath, TargetNotes } from './notes.ts'
import type { ApplyDependencies, ApplyOptions } from './options.ts'

/** Paths of a hold that are shown. */
const SAMPLE_MAX = 20
/** Notes that name their path. */
const NOTES_MAX = 100

type Words = Pick<ApplyOptions, 'firstContact' | 'deletes'>

/** Tells whether nothing but its cause keeps a pending entry from being tried again. */
export function isDue(options: Words, pending: StoredPending): boolean {
  return !isKept(options, pending) && !isWaiting(options, pending)
}

/** Tells whether a pending entry waits for a person's word: the policy leaves it to one, and nobody has said it. */
function isWaiting(options: Words, { held, isDeletion }: StoredPending): boolean {
  return held !== null && held.answer === null && isLeftToPeople(options, isDeletion)
}

/** Tells whether a person keeps what lies there. */
function isKept(options: Words, { held, isDeletion }: StoredPending): boolean {
  return held?.answer === 'keep' && isLeftToPeople(options, isDeletion)
}

function isLeftToPeople({ firstContact, deletes }: Words, isDeletion: boolean): boolean {
  return firstContact === 'hold' && !(isDeletion && deletes === 'keep')
}

type Sorted = Pick<TargetPosition, 'pending' | 'hold' | 'kept'> & {
  readonly held: readonly StoredPending[]
}

/** Where a binding stands. What is pending is sorted again only when it has changed: it may be much. */
export class Standing {
  readonly #deps: Pick<ApplyDependencies, 'index' | 'options' | 'createHasher'>
  #sorted: { readonly of: readonly StoredPending[]; readonly sorted: Sorted } | null = null

  constructor(deps: Pick<ApplyDependencies, 'index' | 'options' | 'createHasher'>) {
    this.#deps = deps
  }

  position(): TargetPosition {
    const { index } = this.#deps
    const sorted = this.sorted()
    const notes = withKept(index.notes(), sorted.kept)
    return { watermark: index.watermark(), listed: index.listed(), ...sorted, notes }
  }

  /** What is pending: what is due, what waits for a word, what stays as it is. */
  sorted(): Sorted {
    const of = this.#deps.index.pending()
    if (this.#sorted?.of !== of) this.#sorted = { of, sorted: this.#sort(of) }
    return this.#sorted.sorted
  }

  #sort(all: readonly StoredPending[]): Sorted {
    const { options, createHasher } = this.#deps
    const held = all.filter((one) => isWaiting(options, one))
    return {
      pending: all.filter((one) => isDue(options, one)),
      held,
      hold: held.length === 0 ? null : holdOf(held, createHasher),
      kept: all.filter((one) => isKept(options, one)),
    }
  }
}

/** Says what waits for a person's word, and names it so that an answer is about nothing else. */
function holdOf(
  held: readonly StoredPending[],
  createHasher: ApplyDependencies['createHasher'],
): Hold {
  const lost = held
    .filter((one) => one.held?.disk != null)
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))
  const folders = new Set(lost.flatMap(({ path }) => parent(path) ?? []))
  // A folder counts where nothing in it does.
  const shown = lost.filter(({ path }) => !folders.has(path))
  const deletes = shown.filter(({ isDeletion }) => isDeletion).length
  const seqs = held.map(({ seq }) => seq).filter((seq) => seq > 0)
  return {
    fingerprint: fingerprintOfAll(lost, createHasher),
    from: least(seqs, 1) - 1,
    to: seqs.reduce((to, seq) => Math.max(to, seq), 0),
    deletes,
    updates: shown.length - deletes,
    bytes: lost.reduce((sum, { held: one }) => sum + sizeOf(one), 0),
    sinceMs: least(
      held.flatMap((one) => one.held?.sinceMs ?? []),
      0,
    ),
    sample: shown.slice(0, SAMPLE_MAX).map(({ path }) => path),
  }
}

function least(numbers: readonly number[], none: number): number {
  return numbers.length === 0 ? none : numbers.reduce((one, other) => Math.min(one, other))
}

function sizeOf(held: StoredPending['held']): number {
  return held?.disk?.type === 'file' ? held.disk.size : 0
}

/** A path holds no NUL, so no two lists read alike. */
function fingerprintOfAll(
  lost: readonly StoredPending[],
  createHasher: ApplyDependencies['createHasher'],
): string {
  const hasher = createHasher()
  for (const { path, isDeletion, held } of lost) {
    const { disk = null } = held ?? {}
    if (disk === null) continue
    const { type, size, mtimeNs, ctimeNs, inode } = disk
    const looks = type === 'directory' ? [] : [size, mtimeNs, ctimeNs]
    const what = [isDeletion ? 'delete' : 'replace', type, inode, ...looks]
    hasher.update(toBytes(`${path}\0${what.join(' ')}\0` as ByteString))
  }
  return hasher.digest()
}

function withKept(notes: TargetNotes, kept: TargetPosition['kept']): TargetNotes {
  if (kept.length === 0) return notes
  const named = kept
    .filter(({ seq }) => seq > 0)
    .map(({ seq, path }): NotedPath => ({ seq, path, code: 'KEPT' }))
  return {
    counts: [...notes.counts, { code: 'KEPT', count: kept.length }],
    newest: [...notes.newest, ...named.toReversed()].slice(0, NOTES_MAX),
  }
}

/** What is held, or was answered, by its path. */
export function heldByPath(
  index: Pick<IndexStore, 'pending'>,
): ReadonlyMap<RelPath, StoredPending> {
  return new Map(index.pending().flatMap((one) => (one.held === null ? [] : [[one.path, one]])))
}
