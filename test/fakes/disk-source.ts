import type { FoundHash, OutboundRow, WatchedSource } from '../../src/core/apply/outbound.ts'
import type { ReadTree } from '../../src/core/apply/target-tree.ts'
import type { AttributeKinds } from '../../src/core/change/attributes.ts'
import type { ContentHash, FileState, SentState } from '../../src/core/change/entry.ts'
import { fileKey } from '../../src/core/change/row.ts'
import { ROOT, type RelPath, child } from '../../src/core/path/rel-path.ts'
import { openReadTree } from '../../src/platform/trees.ts'

export interface DiskSourceOptions {
  readonly xattrs?: boolean
  readonly acls?: boolean
  readonly hardLinks?: boolean
}

/** A source over a real folder, with a journal in memory that is brought up to date by `scan`. */
export class DiskSource implements WatchedSource {
  readonly kind = 'watched'
  readonly sourceId = 'source-1'
  readonly tree: ReadTree
  readonly #rows = new Map<RelPath, OutboundRow>()
  #sorted: OutboundRow[] | null = null
  #seq = 0
  /** Which attributes are read and sent, and whether names of one file are kept so. */
  readonly #kinds: AttributeKinds | null
  readonly #keepsNames: boolean

  constructor(path: string, options: DiskSourceOptions = {}) {
    const { xattrs = false, acls = false, hardLinks = false } = options
    this.tree = openReadTree(path)
    this.#kinds = xattrs || acls ? { xattrs, acls } : null
    this.#keepsNames = hardLinks
  }

  epoch(): string {
    return 'epoch-1'
  }

  headSeq(): number {
    return this.#seq
  }

  isListed(): boolean {
    return true
  }

  /** Journals whatever differs from what was seen before. */
  scan(): void {
    const seen = new Set<RelPath>()
    this.#visit(ROOT, seen)
    for (const path of [...this.#rows.keys()].reverse()) if (!seen.has(path)) this.#put(path, null)
  }

  changes(range: { after: number; upTo: number; limit: number; liveOnly: boolean }): OutboundRow[] {
    this.#sorted ??= [...this.#rows.values()].sort((a, b) => a.entry.seq - b.entry.seq)
    const rows: OutboundRow[] = []
    for (const row of this.#sorted) {
      if (row.entry.seq <= range.after || (range.liveOnly && row.entry.state === null)) continue
      if (row.entry.seq > range.upTo || rows.length === range.limit) break
      rows.push(row)
    }
    return rows
  }

  recordHashes(hashes: readonly FoundHash[]): void {
    this.#sorted = null
    for (const { path, seq, hash, fingerprint, forAllNames } of hashes) {
      this.#keep(path, seq, hash)
      if (forAllNames !== true) continue
      for (const { entry, fingerprint: other } of this.#rows.values())
        if (other?.inode === fingerprint.inode && other.ctimeNs === fingerprint.ctimeNs)
          this.#keep(entry.path, entry.seq, hash)
    }
  }

  #keep(...[path, seq, hash]: [path: RelPath, seq: number, hash: ContentHash]): void {
    const row = this.#rows.get(path)
    if (row?.entry.seq !== seq || row.entry.state === null) return
    const entry = { ...row.entry, state: { ...row.entry.state, hash } }
    this.#rows.set(path, { ...row, entry, hashTrust: 'trusted' })
  }

  lookLater(): void {}

  resequence(paths: readonly RelPath[]): void {
    for (const path of paths) this.#put(path, this.#look(path))
  }

  #look(path: RelPath): FileState | null {
    return this.#kinds === null ? this.tree.lstat(path) : this.tree.lstatClosely(path, this.#kinds)
  }

  #visit(path: RelPath, seen: Set<RelPath>): void {
    const state = this.#look(path)
    if (state === null) return
    seen.add(path)
    const known = this.#rows.get(path)?.fingerprint
    if (known?.ctimeNs !== state.ctimeNs || known.inode !== state.inode) this.#put(path, state)
    if (state.type !== 'directory') return
    for (const name of this.tree.list(path) ?? []) this.#visit(child(path, name), seen)
  }

  #put(path: RelPath, fingerprint: FileState | null): void {
    const isNew = !this.#rows.get(path)?.fingerprint
    const operation = fingerprint === null ? 'delete' : isNew ? 'create' : 'update'
    const sent = fingerprint && sentState(fingerprint, this.#keepsNames)
    const hash = fingerprint && this.#hashOf(fingerprint)
    const state = sent && { ...sent, hash }
    const hashTrust = hash === null ? 'unknown' : 'doubtful'
    const entry = { seq: ++this.#seq, path, operation, state, from: null } as const
    this.#rows.set(path, { entry, fingerprint, hashTrust })
    this.#sorted = null
  }

  /** A hash outlives what leaves size, mtime and inode alone, under any name where those are kept. */
  #hashOf({ inode, size, mtimeNs }: FileState): ContentHash | null {
    if (!this.#keepsNames) return null
    for (const { entry, fingerprint } of this.#rows.values())
      if (fingerprint?.inode === inode && fingerprint.size === size)
        if (fingerprint.mtimeNs === mtimeNs) return entry.state?.hash ?? null
    return null
  }
}

function sentState(state: FileState, keepsNames: boolean): SentState {
  const { type, size, mode, uid, gid, mtimeNs, linkTarget, attributes } = state
  const sent = { type, mode, uid, gid, mtimeNs, linkTarget, hash: null }
  return {
    ...sent,
    size: type === 'file' ? size : 0,
    ...(attributes !== undefined && { attributes }),
    ...(keepsNames && type === 'file' && { fileKey: fileKey(state) }),
    ...(keepsNames && type === 'file' && state.linkCount > 1 && { hasOtherNames: true }),
  }
}
