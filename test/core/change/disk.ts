import type { ByteString } from '../../../src/core/base/byte-string.ts'
import type { AttributeKinds } from '../../../src/core/change/attributes.ts'
import type { FileState, FileType } from '../../../src/core/change/entry.ts'
import { type RelPath, basename, isBelow, parent, rebase } from '../../../src/core/path/rel-path.ts'

const path = (text: string) => text as RelPath

/** A small disk for the rules of the journal: inodes, times, no content but its size. */
export class Disk {
  readonly files = new Map<RelPath, FileState>()
  readonly unreadable = new Set<string>()
  nowMs = 1_000_000
  #lastInode = 100n

  constructor() {
    this.make('', 'directory')
  }

  make(at: string, type: FileType = 'file', size = 1): this {
    const inode = ++this.#lastInode
    const timeNs = BigInt(this.nowMs) * 1_000_000n
    const known = { device: 1n, inode, birthNs: timeNs, linkCount: 1 }
    const times = { mtimeNs: timeNs, ctimeNs: timeNs }
    const linkTarget = type === 'symlink' ? ('target' as ByteString) : null
    const mode = type === 'directory' ? 0o755 : 0o644
    const state = { type, size: type === 'file' ? size : 0, mode, uid: 0, gid: 0, linkTarget }
    this.files.set(path(at), { ...state, ...times, ...known })
    return this.#touchParent(at)
  }

  /** Writes content of this size at the present time. */
  write(at: string, size: number): this {
    const timeNs = BigInt(this.nowMs) * 1_000_000n
    return this.change(at, { size, mtimeNs: timeNs, ctimeNs: timeNs })
  }

  change(at: string, change: Partial<FileState>): this {
    const state = this.files.get(path(at))
    if (state === undefined) throw new Error(`${at} is not there`)
    this.files.set(path(at), { ...state, ...change })
    return this
  }

  /** Another name of a file; what is written by one name is not seen under the others, though. */
  link(of: string, to: string): this {
    const state = this.files.get(path(of))
    if (state === undefined) throw new Error(`${of} is not there`)
    const ctimeNs = BigInt(this.nowMs) * 1_000_000n
    const named = { ...state, ctimeNs, linkCount: state.linkCount + 1 }
    for (const [at, { inode }] of this.files) if (inode === state.inode) this.files.set(at, named)
    this.files.set(path(to), named)
    return this.#touchParent(to)
  }

  rename(from: string, to: string): this {
    this.remove(to)
    const before = [...this.files]
    for (const [at, state] of before) {
      if (at !== from && !isBelow(at, path(from))) continue
      this.files.delete(at)
      this.files.set(rebase(at, path(from), path(to)), state)
    }
    this.change(to, { ctimeNs: BigInt(this.nowMs) * 1_000_000n })
    return this.#touchParent(from).#touchParent(to)
  }

  remove(at: string): this {
    for (const one of this.files.keys()) {
      if (one === at || isBelow(one, path(at))) this.files.delete(one)
    }
    return this.#touchParent(at)
  }

  readonly look = (at: RelPath): FileState | null | 'unreadable' => {
    for (let one: RelPath | null = at; one !== null; one = parent(one)) {
      if (this.unreadable.has(one) && one !== at) return 'unreadable'
    }
    return this.files.get(at) ?? null
  }

  kinds: AttributeKinds | null = null

  readonly lookClosely = (at: RelPath): FileState | null | 'unreadable' => this.look(at)

  readonly list = (folder: RelPath): readonly ByteString[] | null | 'unreadable' => {
    if (this.unreadable.has(folder)) return 'unreadable'
    if (this.files.get(folder)?.type !== 'directory') return null
    const names: ByteString[] = []
    for (const at of this.files.keys()) if (parent(at) === folder) names.push(basename(at))
    return names
  }

  #touchParent(at: string): this {
    const folder = parent(path(at))
    const timeNs = BigInt(this.nowMs) * 1_000_000n
    if (folder !== null && this.files.has(folder)) {
      this.change(folder, { mtimeNs: timeNs, ctimeNs: timeNs })
    }
    return this
  }
}
