import type { FoundHash, OutboundRow, WatchedSource } from '../../src/core/apply/outbound.ts'
import type { ReadHandle, ReadTree } from '../../src/core/apply/target-tree.ts'
import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import { AppError } from '../../src/core/base/errors.ts'
import type {
  ContentHash,
  EntryOperation,
  FileState,
  SentState,
} from '../../src/core/change/entry.ts'
import { fileKey } from '../../src/core/change/row.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'

interface MemoryFile {
  content: Uint8Array
  state: FileState
}

interface Row {
  seq: number
  operation: EntryOperation
  from: RelPath | null
  hash: ContentHash | null
  hashTrust: OutboundRow['hashTrust']
  /** As it lies on the disk. */
  file: MemoryFile | null
  /** As the journal saw it. */
  seen: FileState | null
}

type NewRow = Omit<Row, 'seq' | 'seen'>

/** A source in memory with just enough of a journal: every change gets the next seq. */
export class MemorySource implements WatchedSource {
  readonly kind = 'watched'
  readonly sourceId = 'source-1'
  readonly tree: ReadTree
  readonly rows = new Map<RelPath, Row>()
  readonly unreadable = new Set<RelPath>()
  readonly opened: RelPath[] = []
  readonly resequenced: RelPath[] = []
  readonly lookedAtLater: RelPath[] = []
  readonly restless = new Set<RelPath>()
  /** Whether everything is journalled; asked whenever the sender has no more rows. */
  listed: () => boolean = () => true
  recordings = 0
  openHandles = 0
  reads = 0
  /** Called between opening a file and the first read of it. */
  onOpen: ((path: RelPath) => void) | null = null
  #epoch: string
  #seq = 0
  #inode = 1n

  constructor(epoch = 'epoch-1') {
    this.#epoch = epoch
    this.tree = this.#makeTree()
  }

  write(name: string, content: string | Uint8Array): RelPath {
    const path = fromText(name) as RelPath
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const isNew = !this.rows.get(path)?.file
    this.#put(path, {
      operation: isNew ? 'create' : 'update',
      from: null,
      hash: null,
      hashTrust: 'unknown',
      file: this.#file('file', bytes),
    })
    return path
  }

  folder(name: string): void {
    this.#add(name, this.#file('directory', new Uint8Array()))
  }

  link(name: string, target: string): void {
    const file = this.#file('symlink', new Uint8Array())
    file.state = { ...file.state, linkTarget: fromText(target) }
    this.#add(name, file)
  }

  /** Makes another name of a file; names that are known of so far are told again. */
  name(of: string, name: string): void {
    const row = this.rows.get(fromText(of) as RelPath)
    if (!row?.file) throw new Error(`no "${of}"`)
    const { file } = row
    const { linkCount, ctimeNs } = file.state
    file.state = { ...file.state, linkCount: linkCount + 1, ctimeNs: ctimeNs + 1n }
    const names = [...this.rows].filter(([, one]) => one.file === file)
    for (const [path, known] of names)
      this.#put(path, { ...known, ...doubtful(known), operation: 'update' })
    this.#put(fromText(name) as RelPath, {
      ...row,
      ...doubtful(row),
      operation: 'create',
      from: null,
    })
  }

  remove(name: string): void {
    const gone = { operation: 'delete', from: null, hash: null, hashTrust: 'unknown', file: null }
    this.#put(fromText(name) as RelPath, gone as NewRow)
  }

  rename(from: string, to: string): void {
    const old = this.rows.get(fromText(from) as RelPath)
    if (!old?.file) throw new Error(`no "${from}"`)
    const { file, hash } = old
    // A rename changes ctime, so a hash that was kept must be proved again.
    const state = { ...file.state, ctimeNs: file.state.ctimeNs + 1n }
    this.remove(from)
    this.#put(fromText(to) as RelPath, {
      operation: 'rename',
      from: fromText(from) as RelPath,
      hash,
      hashTrust: hash === null ? 'unknown' : 'doubtful',
      file: { content: file.content, state },
    })
  }

  /** Changes the content of what was renamed before the journal has seen either. */
  rewrite(name: string, content: Uint8Array): void {
    const row = this.rows.get(fromText(name) as RelPath)
    if (!row?.file) throw new Error(`no "${name}"`)
    row.file = this.#file('file', content, row.file.state)
    Object.assign(row, { seen: row.file.state, hash: null, hashTrust: 'unknown' })
  }

  /** Changes the content behind the journal's back. */
  scribble(name: string, content: string): void {
    const row = this.rows.get(fromText(name) as RelPath)
    if (!row?.file) throw new Error(`no "${name}"`)
    row.file = this.#file('file', Buffer.from(content), row.file.state)
  }

  /** Changes the content and not even the stat. */
  corrupt(name: string, content: string): void {
    const row = this.rows.get(fromText(name) as RelPath)
    if (row?.file) row.file.content = Buffer.from(content)
  }

  renewEpoch(epoch: string): void {
    this.#epoch = epoch
  }

  epoch(): string {
    return this.#epoch
  }

  headSeq(): number {
    return this.#seq
  }

  isListed(): boolean {
    return this.listed()
  }

  changes(range: { after: number; upTo: number; limit: number; liveOnly: boolean }): OutboundRow[] {
    return [...this.rows]
      .filter(([, row]) => row.seq > range.after && row.seq <= range.upTo)
      .filter(([, row]) => !range.liveOnly || row.file !== null)
      .sort(([, left], [, right]) => left.seq - right.seq)
      .slice(0, range.limit)
      .map(([path, row]) => ({
        ...toOutbound(path, row),
        ...(this.restless.has(path) && { isRestless: true }),
      }))
  }

  recordHashes(hashes: readonly FoundHash[]): void {
    this.recordings++
    for (const { path, seq, hash, forAllNames } of hashes) {
      const row = this.rows.get(path)
      if (row?.seq !== seq) continue
      for (const one of forAllNames === true ? this.rows.values() : [row])
        if (one.file === row.file) Object.assign(one, { hash, hashTrust: 'trusted' })
    }
  }

  lookLater(paths: readonly RelPath[]): void {
    this.lookedAtLater.push(...paths)
  }

  resequence(paths: readonly RelPath[]): void {
    for (const path of paths) {
      this.resequenced.push(path)
      const row = this.rows.get(path)
      if (row) this.#put(path, { ...row, hash: null, hashTrust: 'unknown' })
    }
  }

  #add(name: string, file: MemoryFile): void {
    const row = { operation: 'create', from: null, hash: null, hashTrust: 'unknown', file }
    this.#put(fromText(name) as RelPath, row as NewRow)
  }

  #put(path: RelPath, row: NewRow): void {
    this.rows.delete(path)
    this.rows.set(path, { ...row, seq: ++this.#seq, seen: row.file?.state ?? null })
  }

  #file(type: FileState['type'], content: Uint8Array, like?: FileState): MemoryFile {
    const timeNs = 1_700_000_000_000_000_000n + this.#inode
    const state: FileState = {
      type,
      size: type === 'file' ? content.length : 0,
      mode: type === 'directory' ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtimeNs: timeNs,
      ctimeNs: timeNs,
      birthNs: timeNs,
      device: 1n,
      inode: like?.inode ?? ++this.#inode,
      linkCount: 1,
      linkTarget: null,
    }
    this.#inode++
    return { content, state }
  }

  #makeTree(): ReadTree {
    const fileAt = (path: RelPath) => this.rows.get(path)?.file ?? null
    return {
      lstat: (path) => fileAt(path)?.state ?? null,
      lstatClosely: (path) => fileAt(path)?.state ?? null,
      list: (): ByteString[] => [],
      open: (path) => this.#open(path),
      isBeingWritten: () => null,
      identity: () => ({ device: 1n, inode: 1n, birthNs: 0n, isMountPoint: false }),
      close: () => {},
    }
  }

  #open(path: RelPath): ReadHandle | null {
    if (this.unreadable.has(path)) throw new AppError('NO_PERMISSION', `cannot open "${path}"`)
    const file = () => this.rows.get(path)?.file ?? null
    if (file()?.state.type !== 'file') return null
    this.opened.push(path)
    this.openHandles++
    this.onOpen?.(path)
    const stat = () => file()?.state ?? { ...emptyState, type: 'file' }
    return {
      opened: stat(),
      read: (buffer, position) => {
        this.reads++
        const rest = file()?.content.subarray(position, position + buffer.length)
        buffer.set(rest ?? [])
        return rest?.length ?? 0
      },
      stat,
      close: () => {
        this.openHandles--
      },
    }
  }
}

const emptyState: Omit<FileState, 'type'> = {
  size: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  mtimeNs: 0n,
  ctimeNs: 0n,
  birthNs: 0n,
  device: 0n,
  inode: 0n,
  linkCount: 0,
  linkTarget: null,
}

function toOutbound(path: RelPath, row: Row): OutboundRow {
  const { seq, operation, from, hash, hashTrust, seen } = row
  const state: SentState | null = seen && { ...sent(seen), hash }
  return { entry: { seq, path, operation, state, from }, fingerprint: seen, hashTrust }
}

function sent(state: FileState): Omit<SentState, 'hash'> {
  const { type, size, mode, uid, gid, mtimeNs, linkTarget } = state
  const plain = { type, size, mode, uid, gid, mtimeNs, linkTarget }
  return state.linkCount === 1 ? plain : { ...plain, fileKey: fileKey(state), hasOtherNames: true }
}

/** A name that comes or goes changes ctime, so a hash that was kept must be proved again. */
function doubtful({ hash }: Row): Pick<Row, 'hashTrust'> {
  return { hashTrust: hash === null ? 'unknown' : 'doubtful' }
}
