import type { ErrorCode } from '../base/errors.ts'
import type { ContentHash, Entry, FileState, SentState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { IndexRow } from './index-store.ts'

/** Where the content of something that must be placed comes from. */
export type Content =
  | { readonly kind: 'folder' }
  | { readonly kind: 'symlink' }
  | { readonly kind: 'fifo' }
  | { readonly kind: 'empty' }
  /** It arrived and lies complete in staging. */
  | { readonly kind: 'staged' }
  /** Some untouched file here holds it. */
  | { readonly kind: 'local'; readonly hash: ContentHash }
  /** It must be sent. */
  | { readonly kind: 'wire' }
  | NameContent

/** It is that of another name of the same file, and is shared with it or copied from it. */
export interface NameContent {
  readonly kind: 'name'
  readonly how: 'link' | 'copy'
  /** The other name: on its way in this set, or in its place with this inode number. */
  readonly of: RelPath
  readonly inode: bigint | null
  /** What lies in place holds the content too: where nothing can be shared, it stays. */
  readonly held: Extract<Verdict, { kind: 'settle' }> | null
}

/** What one entry asks of the disk as it looks now. */
export type Verdict =
  /** Older than what was applied, or coming again: nothing to do. */
  | { readonly kind: 'pass' }
  /** The row goes, the disk stays: gone already, or no longer part of the view. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'remove'; readonly disk: FileState }
  /** Type and content are right: only metadata and the row may have to change. */
  | { readonly kind: 'settle'; readonly disk: FileState; readonly hash: ContentHash | null }
  | { readonly kind: 'place'; readonly disk: FileState | null; readonly content: Content }
  /** Another source goes before with the same: what lies there is this binding's as well. */
  | { readonly kind: 'share'; readonly disk: FileState; readonly hash: ContentHash | null }
  /** Another source goes before with something else: what is wanted here is kept aside. */
  | { readonly kind: 'yield'; readonly content: Content }
  | { readonly kind: 'fail'; readonly code: ErrorCode; readonly message: string }
  /** What lies there is not ours and goes only on a person's word. */
  | { readonly kind: 'hold'; readonly disk: FileState }

/** An entry, what the index knew of its path, and what is to be done. */
export interface Decision {
  readonly entry: Entry
  readonly row: IndexRow | null
  readonly verdict: Verdict
}

export type Placing = Decision & {
  readonly verdict: Extract<Verdict, { kind: 'place' }>
  readonly entry: Entry & { readonly state: SentState }
}
export type Settling = Decision & {
  readonly verdict: Extract<Verdict, { kind: 'settle' }>
  readonly entry: Entry & { readonly state: SentState }
}
export type Sharing = Decision & {
  readonly verdict: Extract<Verdict, { kind: 'share' }>
  readonly entry: Entry & { readonly state: SentState }
}
export type Yielding = Decision & {
  readonly verdict: Extract<Verdict, { kind: 'yield' }>
  readonly entry: Entry & { readonly state: SentState }
}
export type Removing = Decision & { readonly verdict: Extract<Verdict, { kind: 'remove' }> }

/** The decisions that place something. */
export function placings(decisions: readonly Decision[]): Placing[] {
  return decisions.filter(isPlacing)
}

export function isPlacing(one: Decision): one is Placing {
  return one.verdict.kind === 'place' && one.entry.state !== null
}

/** The decisions that find the right content in its place. */
export function settlings(decisions: readonly Decision[]): Settling[] {
  return decisions.filter(isSettling)
}

export function isSettling(one: Decision): one is Settling {
  return one.verdict.kind === 'settle' && one.entry.state !== null
}

/** The decisions that leave what another source has put there. */
export function sharings(decisions: readonly Decision[]): Sharing[] {
  return decisions.filter(
    (one): one is Sharing => one.verdict.kind === 'share' && one.entry.state !== null,
  )
}

/** The decisions whose content is kept aside. */
export function yieldings(decisions: readonly Decision[]): Yielding[] {
  return decisions.filter(
    (one): one is Yielding => one.verdict.kind === 'yield' && one.entry.state !== null,
  )
}

/** The decisions that remove something. */
export function removals(decisions: readonly Decision[]): Removing[] {
  return decisions.filter((one): one is Removing => one.verdict.kind === 'remove')
}

/** Orders by path, so that a folder stands before what is in it. */
export function byPath(one: { entry: { path: RelPath } }, other: { entry: { path: RelPath } }) {
  return one.entry.path < other.entry.path ? -1 : one.entry.path > other.entry.path ? 1 : 0
}
