import type { ErrorCode } from '../base/errors.ts'
import type { Working } from '../base/working.ts'
import type { ContentHash, Entry, Position } from '../change/entry.ts'
import type { Hold } from '../change/journal.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { BaseFile, BaseVersion } from './base-file.ts'
import type { HoldDecision } from './index-store.ts'
import type { TargetNotes } from './notes.ts'

/** An entry at or below the watermark that could not be applied; it leaves when it or a newer version is. */
export interface PendingEntry {
  /** 0 where no entry stands for it: what a full list did not name waits for a person (FIRST_CONTACT). */
  readonly seq: number
  readonly path: RelPath
  readonly code: ErrorCode
  readonly message: string
}

/** What a target knows of itself: everything up to the watermark is applied, except what is pending. */
export interface TargetPosition {
  /** Null at first contact. */
  readonly watermark: Position | null
  /**
   * Where the source was when a full list began of which the end has not come; null where none is open. What that list
   * named and has left the source since left it later.
   */
  readonly listed: Position | null
  readonly pending: readonly PendingEntry[]
  /** What waits for a person's word; none of it is pending. */
  readonly hold: Hold | null
  readonly held: readonly PendingEntry[]
  /** What a person keeps as it is. */
  readonly kept: readonly PendingEntry[]
  /** What was applied with less than was sent. */
  readonly notes: TargetNotes
}

/**
 * A stretch of one source's journal: every entry with `from < seq <= to`; in a retry, entries that were passed before.
 */
export interface SetHeader {
  readonly epoch: string
  readonly from: number
  readonly to: number
  /**
   * `full`: at first contact, or where the target's watermark is of another epoch, every live row is sent from 0 on in
   * one or more sets. What the index has from another epoch and no set of the list named is no longer at the source.
   * The watermark stays what it was until the set with `last` is applied; a list that was broken off starts again at 0,
   * and names what has left since as well.
   *
   * `retry`: the entries of this set are pending at the target, all with seq <= watermark, offered again unchanged by
   * the source; `from` and `to` are the watermark's seq, which does not move. Comes before the first incremental set.
   * A pending seq that the source does not offer again was replaced there: a newer version comes with a later set.
   */
  readonly kind: 'incremental' | 'full' | 'retry'
  /** True on the set that ends a full list; always true on other sets. */
  readonly last: boolean
  /** A seq to which the source had come before the first set of the job was made. */
  readonly jobTo: number
}

/**
 * One binding on its target, as the receiver of the data connection sees it. Made by `cas/`, driven by the frames.
 * One set at a time.
 */
export interface InboundBinding {
  position(): TargetPosition
  /** Starts a set. Entries were parsed and are in order of seq; their signature is checked before `apply`. */
  begin(header: SetHeader, entries: readonly Entry[]): InboundSet
  /**
   * Tells which contents of an epoch were broken off, and how much of each is here. No set may run meanwhile.
   */
  kept(epoch: string): Working<OwnContent[]>
  /**
   * Takes a person's word about what is held, durably: with the next set exactly that goes, or nothing of it ever does.
   * `changed` where it is something else by now, `unknown` where nothing is held.
   */
  answer(fingerprint: string, decision: HoldDecision): Working<HoldOutcome>
  /** Looks whether what is held lies there still; true where the position is another one now. */
  lookAgain(): Working<boolean>
}

export type HoldOutcome = 'done' | 'changed' | 'unknown'

/** The beginning of a file's content that is here from a set that was broken off. */
export interface KeptContent {
  /** Of the entry, which says the file's version. */
  readonly seq: number
  readonly bytes: number
  /** Of these bytes. */
  readonly hash: ContentHash
}

/** The same on this server, which can tell the hash of less of it too. */
export interface OwnContent extends KeptContent {
  /** Of the first bytes up to a mark; null elsewhere. */
  readonly hashAt: (bytes: number) => ContentHash | null
}

export interface InboundSet {
  /** Looks at every place; gives the seqs of files whose content is not here and must be sent, in order. Comes first. */
  survey(): Working<readonly number[]>
  /** Starts the content of one wanted file, or goes on behind what was offered as kept. */
  openFile(seq: number, keptBytes?: number): InboundFile
  /** Takes the whole content of one wanted file at once; gives its hash. */
  putFile(seq: number, bytes: Uint8Array): ContentHash
  /** An older version of a wanted large file that lies here, from which its content may be built. */
  base(seq: number): BaseVersion | null
  /** Opens it; null where it is not there any more. The caller closes it. */
  openBase(seq: number): BaseFile | null
  /**
   * Verifies and applies the whole set in phases, makes it durable, moves the watermark to `header.to`.
   * `lateHashes`: hashes that the source found while sending. `skipped`: seqs that changed while being read; they come
   * again under a newer seq, so they count as applied without being touched. A skipped file may have been opened and
   * finished with less content than its entry says. `unavailable`: seqs of files that the source cannot read, and why;
   * where their content is not here they become pending with that code, and they too may have been opened.
   * A set that is discarded in the middle of it is ended as after a crash.
   */
  apply(
    lateHashes: ReadonlyMap<number, ContentHash>,
    skipped: ReadonlySet<number>,
    unavailable: ReadonlyMap<number, ErrorCode>,
  ): Working<SetOutcome>
  /** Drops everything that was staged. Safe at any time; nothing else must follow. */
  discard(): void
}

export interface InboundFile {
  /** Says, before anything is written, from which older version much of the content will be copied. */
  beginWith(base: BaseFile): void
  /** Writes what was read at `from` of that version. */
  copy(bytes: Uint8Array, from: number): void
  write(bytes: Uint8Array): void
  /** Ends the content; gives the hash of what was written. */
  finish(): ContentHash
}

export interface SetOutcome {
  /** Other bindings of the same root that stand elsewhere by this set. */
  readonly others: readonly string[]
  readonly position: TargetPosition
  readonly appliedCount: number
  readonly failed: readonly PendingEntry[]
}
