import type { BaseFile, BaseVersion } from '../../src/core/apply/base-file.ts'
import type {
  HoldOutcome,
  InboundBinding,
  InboundFile,
  InboundSet,
  OwnContent,
  PendingEntry,
  SetHeader,
  SetOutcome,
  TargetPosition,
} from '../../src/core/apply/inbound.ts'
import { NO_NOTES } from '../../src/core/apply/notes.ts'
import type { ErrorCode } from '../../src/core/base/errors.ts'
import { SMALL_FILE_BYTES_MAX } from '../../src/core/base/limits.ts'
import type { Working } from '../../src/core/base/working.ts'
import type { ContentHash, Entry, Position } from '../../src/core/change/entry.ts'
import { findLeaders } from '../../src/core/change/names.ts'
import { hashBytes } from '../../src/platform/hash.ts'

/** A target in memory: applies rows as states, and knows contents by their hash. */
export class MemoryBinding implements InboundBinding {
  readonly entries = new Map<string, Entry>()
  readonly contents = new Map<ContentHash, Uint8Array>()
  readonly headers: SetHeader[] = []
  pending: PendingEntry[] = []
  watermark: Position | null = null
  listed: Position | null = null
  /** Seqs that cannot be applied for now. */
  readonly failing = new Map<number, ErrorCode>()
  /** What it was told is gone, by path. */
  readonly toldGone: string[] = []
  askedForKept = 0
  openSets = 0
  openBases = 0
  /** Older versions cannot be opened, break while they are read, or change meanwhile. */
  basesAreGone = false
  basesBreak = false
  basesChange = false
  /** By seq: the content of large files that was broken off. */
  readonly broken = new Map<number, Uint8Array>()
  #named = new Set<string>()

  position(): TargetPosition {
    const { watermark, listed, pending } = this
    const held = { hold: null, held: [], kept: [] }
    return { watermark, listed, pending: [...pending], ...held, notes: NO_NOTES }
  }

  *kept(): Working<OwnContent[]> {
    this.askedForKept++
    yield
    return [...this.broken].map(([seq, content]) => {
      const hashAt = (bytes: number) => hashBytes(content.subarray(0, bytes))
      return { seq, bytes: content.length, hash: hashBytes(content), hashAt }
    })
  }

  *answer(): Working<HoldOutcome> {
    yield
    return 'unknown'
  }

  *lookAgain(): Working<boolean> {
    yield
    return false
  }

  begin(header: SetHeader, entries: readonly Entry[]): InboundSet {
    this.headers.push(header)
    this.openSets++
    let open: { seq: number; content: () => Uint8Array } | null = null
    const received = new Map<number, Uint8Array>()
    const leaders = findLeaders(entries)
    const wanted = entries.filter(
      ({ seq, state }) => state?.type === 'file' && !this.#has(state.hash) && !leaders.has(seq),
    )
    return {
      *survey() {
        yield
        return wanted.map((entry) => entry.seq)
      },
      openFile: (seq, keptBytes = 0) => {
        const start = (this.broken.get(seq) ?? new Uint8Array()).subarray(0, keptBytes)
        if (start.length !== keptBytes) throw new Error(`entry ${seq} holds no ${keptBytes} bytes`)
        const done = (content: Uint8Array) => {
          open = null
          received.set(seq, content)
        }
        const collected = collect(start, done)
        open = { seq, content: collected.content }
        return collected
      },
      putFile: (seq, bytes) => {
        // Bytes of a frame are valid only until the next one.
        received.set(seq, bytes.slice())
        return hashBytes(bytes)
      },
      base: (seq) => this.#base(entries, seq),
      openBase: (seq) => this.#openBase(entries, seq),
      apply: (lateHashes, skipped, unavailable) => {
        const set = { header, entries, lateHashes, skipped, unavailable }
        return this.#applyWith(set, received)
      },
      discard: () => {
        this.openSets--
        const content = open?.content()
        if (open !== null && content?.length) this.broken.set(open.seq, content)
      },
    }
  }

  /** Path and content (or type) of everything, in order of path. */
  listing(): string[] {
    return [...this.entries.values()]
      .map(({ path, state }) => {
        const content = state?.hash ? Buffer.from(this.contents.get(state.hash) ?? []) : null
        return `${path} ${content?.toString() ?? state?.linkTarget ?? state?.type}`
      })
      .sort()
  }

  /** The version of a wanted large file that is here. */
  #base(entries: readonly Entry[], seq: number): BaseVersion | null {
    const entry = entries.find((one) => one.seq === seq)
    const old = this.entries.get(entry?.path ?? '') ?? this.entries.get(entry?.from ?? '')
    const { hash = null, size = 0 } = old?.state ?? {}
    return hash === null || size <= SMALL_FILE_BYTES_MAX ? null : { hash, size }
  }

  #openBase(entries: readonly Entry[], seq: number): BaseFile | null {
    const base = this.#base(entries, seq)
    const content = base === null ? undefined : this.contents.get(base.hash)
    if (base === null || content === undefined || this.basesAreGone) return null
    this.openBases++
    return {
      ...base,
      read: (buffer, position) => {
        if (this.basesBreak) return false
        buffer.set(content.subarray(position, position + buffer.length))
        return true
      },
      share: () => false,
      isUntouched: () => !this.basesChange,
      close: () => {
        this.openBases--
      },
    }
  }

  #has(hash: ContentHash | null): boolean {
    return hash !== null && this.contents.has(hash)
  }

  *#applyWith(set: AppliedSet, received: ReadonlyMap<number, Uint8Array>): Working<SetOutcome> {
    yield
    this.openSets--
    for (const content of received.values()) this.contents.set(hashBytes(content), content)
    return this.#apply(set)
  }

  #apply(set: AppliedSet): SetOutcome {
    const failed: PendingEntry[] = []
    let appliedCount = 0
    if (set.header.kind === 'full' && set.header.from === 0) this.#named = new Set()
    for (const entry of set.entries) {
      this.#named.add(entry.path)
      if (set.skipped.has(entry.seq)) continue
      const code = this.failing.get(entry.seq) ?? set.unavailable.get(entry.seq)
      this.pending = this.pending.filter((pending) => pending.path !== entry.path)
      if (code) failed.push({ seq: entry.seq, path: entry.path, code, message: code })
      else {
        appliedCount++
        this.#place(entry, set.lateHashes.get(entry.seq) ?? entry.state?.hash ?? null)
      }
    }
    this.pending.push(...failed)
    this.#moveOn(set.header)
    return { position: this.position(), appliedCount, failed, others: [] }
  }

  #place(entry: Entry, hash: ContentHash | null): void {
    if (entry.state === null) this.toldGone.push(entry.path)
    if (entry.state === null) this.entries.delete(entry.path)
    else this.entries.set(entry.path, { ...entry, state: { ...entry.state, hash } })
  }

  #moveOn(header: SetHeader): void {
    const { epoch, kind, jobTo } = header
    if (kind === 'full') this.listed = header.last ? null : (this.listed ?? { epoch, seq: jobTo })
    if (!header.last) return
    if (header.kind === 'full')
      for (const path of this.entries.keys()) if (!this.#named.has(path)) this.entries.delete(path)
    this.watermark = { epoch: header.epoch, seq: header.to }
  }
}

interface AppliedSet {
  readonly header: SetHeader
  readonly entries: readonly Entry[]
  readonly lateHashes: ReadonlyMap<number, ContentHash>
  readonly skipped: ReadonlySet<number>
  readonly unavailable: ReadonlyMap<number, ErrorCode>
}

function collect(
  start: Uint8Array,
  done: (content: Uint8Array) => void,
): InboundFile & { content: () => Uint8Array } {
  const parts: Uint8Array[] = [start]
  const content = () => new Uint8Array(Buffer.concat(parts))
  return {
    content,
    beginWith: () => undefined,
    copy: (bytes) => void parts.push(bytes.slice()),
    write: (bytes) => void parts.push(bytes.slice()),
    finish: () => {
      done(content())
      return hashBytes(content())
    },
  }
}
