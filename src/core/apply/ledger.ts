import type { ErrorCode } from '../base/errors.ts'
import type { ContentHash, Entry, FileKey, FileState, SentState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { SetHeader } from './inbound.ts'
import { type IndexRow, type SharedFile, type StoredPending, fingerprintOf } from './index-store.ts'
import type { Note, NotedPath } from './notes.ts'
import { isRefusal } from './refusal.ts'

/** No file on any disk looks like this. */
const NOWHERE = { size: 0, mtimeNs: 0n, ctimeNs: 0n, inode: 0n, device: 0n }

/** What became of each entry of a set: collects what the index must learn once everything is on the disk. */
export class Ledger {
  readonly puts = new Map<RelPath, IndexRow>()
  readonly removes = new Set<RelPath>()
  readonly failed = new Map<RelPath, StoredPending>()
  /** Paths whose older pending entry is settled by this set. */
  readonly settled = new Set<RelPath>()
  /** Paths of which only the version is another: what was noted of them stays. */
  readonly passed = new Set<RelPath>()
  /** Something of ours lies there, but the index could not be told of it yet. */
  readonly unsure = new Set<RelPath>()
  /** What the file system here cannot hold at all. */
  readonly leftOut = new Set<RelPath>()
  /** What the paths of this set lack. */
  readonly notes = new Map<RelPath, NotedPath[]>()
  /** By inode number, a path of each file that has several names, as it was when that was applied. */
  readonly shared = new Map<bigint, { readonly path: RelPath; readonly fileKey: FileKey }>()
  /** What became of those, and of the others whose names the set touched, in the end. */
  sharedFiles: readonly SharedFile[] = []
  /** Paths from which names are taken: what lies there must not be moved away before. */
  readonly bases = new Set<RelPath>()
  /** Paths whose file had another name when they were applied, of which no row here tells. */
  readonly several = new Set<RelPath>()
  /** Names of files that could not be linked here. */
  readonly unlinked = new Set<RelPath>()
  /** Folders that this host had lost and that were made again. */
  readonly remade = new Set<RelPath>()
  readonly #epoch: string
  readonly #nowMs: number
  readonly list: number

  constructor(header: SetHeader, list: number, nowMs: number) {
    this.#epoch = header.epoch
    this.#nowMs = nowMs
    this.list = list
  }

  /** The disk now holds this entry and looks like this. */
  applied(entry: Entry & { state: SentState }, disk: FileState, hash: ContentHash | null): void {
    this.puts.set(entry.path, {
      path: entry.path,
      epoch: this.#epoch,
      seq: entry.seq,
      list: this.list,
      state: { ...entry.state, hash },
      stat: fingerprintOf(disk),
    })
    this.settled.add(entry.path)
    this.unsure.delete(entry.path)
    if (disk.linkCount === 1 || disk.type !== 'file') return
    const { path, state } = entry
    if (state.fileKey === undefined) this.several.add(path)
    else this.shared.set(disk.inode, { path, fileKey: state.fileKey })
  }

  /** The disk looks like this now, of what was applied. */
  seenAgain(path: RelPath, disk: FileState): void {
    const row = this.puts.get(path)
    if (row?.stat.inode === disk.inode) this.puts.set(path, { ...row, stat: fingerprintOf(disk) })
  }

  /** Another source's version lies there; what was sent is known all the same. */
  yielded(entry: Entry & { state: SentState }, hash: ContentHash | null): void {
    this.puts.set(entry.path, {
      path: entry.path,
      epoch: this.#epoch,
      seq: entry.seq,
      list: this.list,
      state: { ...entry.state, hash },
      stat: { ...NOWHERE, type: entry.state.type },
    })
    this.note(entry, ['CONFLICT'])
    this.settled.add(entry.path)
  }

  /** A folder was made for what is in it; anything its source says of it is newer. */
  implied(folder: RelPath, disk: FileState): void {
    const { mode, uid, gid, mtimeNs } = disk
    this.puts.set(folder, {
      path: folder,
      epoch: this.#epoch,
      seq: 0,
      list: this.list,
      state: { type: 'directory', size: 0, mode, uid, gid, mtimeNs, linkTarget: null, hash: null },
      stat: fingerprintOf(disk),
    })
  }

  /** What was applied lacks something here. */
  note({ path, seq }: Entry, codes: readonly Note[]): void {
    const noted = this.notes.get(path) ?? []
    noted.push(...codes.map((code) => ({ seq, path, code })))
    this.notes.set(path, noted)
  }

  /** The path is no longer this binding's. */
  gone(path: RelPath): void {
    this.removes.add(path)
    this.settled.add(path)
  }

  /** What lies there stays, whatever its source says; the row is of that version, under which the source finds it again. */
  left({ path, seq }: Entry, row: IndexRow | null): void {
    this.settled.add(path)
    if (row === null) return
    this.puts.set(path, { ...row, epoch: this.#epoch, seq, list: this.list })
    this.passed.add(path)
  }

  /** A row stays as it is, named by the list that runs. */
  kept(row: IndexRow): void {
    if (row.list !== this.list) this.puts.set(row.path, { ...row, list: this.list })
  }

  /** What lies there came with its folder, whatever else went wrong: it stays this binding's. */
  carried(row: IndexRow): void {
    this.puts.set(row.path, row)
  }

  /** Nothing failed, but what lies there goes only on a person's word. */
  hold(entry: Pick<Entry, 'seq' | 'path' | 'state'>, disk: FileState): void {
    const place = JSON.stringify(entry.path)
    if (entry.state === null) this.fail(entry, 'FIRST_CONTACT', `${place} is not of its source`)
    else this.fail(entry, 'EXTRA_IN_THE_WAY', `cannot place ${place}: something else lies there`)
    const pending = this.failed.get(entry.path)
    const held = { disk: fingerprintOf(disk), sinceMs: this.#nowMs, answer: null }
    if (pending !== undefined) this.failed.set(entry.path, { ...pending, held })
  }

  fail(entry: Pick<Entry, 'seq' | 'path' | 'state'>, code: ErrorCode, message: string): void {
    this.failed.set(entry.path, {
      seq: entry.seq,
      path: entry.path,
      code,
      message,
      isDeletion: entry.state === null,
      list: this.list,
      held: null,
    })
  }

  /** Does one entry's work; what the world refuses becomes pending, what is our own fault is thrown. */
  attempt(entry: Entry, work: () => void): boolean {
    try {
      work()
      return true
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      this.fail(entry, thrown.code, thrown.message)
      return false
    }
  }
}
