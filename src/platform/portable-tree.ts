import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
  statSync,
} from 'node:fs'
import { resolve } from 'node:path'

import type { ReadHandle, ReadTree, RootIdentity } from '../core/apply/target-tree.ts'
import { type ByteString, fromBytes, fromText, toBytes } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'
import type { AttributeKinds } from '../core/change/attributes.ts'
import type { FileState, FileType } from '../core/change/entry.ts'
import { ROOT, type RelPath, child, parent, parseRelPath } from '../core/path/rel-path.ts'
import { type Attempt, describe } from './attempt.ts'
import { errorName, fileError, systemError } from './system-error.ts'

/**
 * `ReadTree` where the kernel offers no confinement. Every folder on the way is looked at before a path is used, so no
 * link is followed unless it is swapped in between two calls; for reading one's own source that is enough.
 */
export class PortableReadTree implements ReadTree {
  readonly #path: string
  readonly #prefix: ByteString
  readonly #identity: { readonly device: bigint; readonly inode: bigint }

  constructor(path: string) {
    this.#path = resolve(path)
    this.#prefix = fromText(this.#path)
    this.#identity = this.#look()
  }

  lstat(path: RelPath): FileState | null {
    const attempt: Attempt = { action: 'look at', path }
    return this.#present(attempt, () => {
      const bytes = this.#bytes(attempt)
      const stats = lstatSync(bytes, { bigint: true })
      const type = typeOf(stats)
      if (type === null) return null
      const linkTarget = type === 'symlink' ? fromBytes(readlinkSync(bytes, 'buffer')) : null
      return stateOf(stats, type, linkTarget)
    })
  }

  /** Attributes cannot be read here, and their target says so of each file. */
  lstatClosely(path: RelPath, kinds: AttributeKinds): FileState | null {
    const state = this.lstat(path)
    const xattrs = kinds.xattrs ? 'XATTRS_UNREADABLE' : null
    const acls = kinds.acls ? 'ACLS_UNREADABLE' : null
    return state && { ...state, attributes: { xattrs, acls } }
  }

  list(folder: RelPath): ByteString[] | null {
    const attempt: Attempt = { action: 'list', path: folder }
    return this.#present(attempt, () => {
      const bytes = this.#bytes(attempt)
      if (!lstatSync(bytes).isDirectory()) return null
      return readdirSync(bytes, { encoding: 'buffer' }).map(fromBytes)
    })
  }

  open(path: RelPath): ReadHandle | null {
    const attempt: Attempt = { action: 'read', path }
    return this.#present(attempt, () => {
      const bytes = this.#bytes(attempt)
      if (!lstatSync(bytes).isFile()) return null
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
      const flags = O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0)
      return openPortable(attempt, openSync(bytes, flags))
    })
  }

  isBeingWritten(): null {
    return null
  }

  identity(): RootIdentity {
    const named = this.#look()
    if (named.device !== this.#identity.device || named.inode !== this.#identity.inode) {
      const message = `cannot use the folder "${this.#path}": another one has taken its place`
      throw new AppError('ROOT_CHANGED', message)
    }
    const above = statSync(resolve(this.#path, '..'), { bigint: true })
    const isTop = resolve(this.#path, '..') === this.#path
    return { ...named, isMountPoint: isTop || above.dev !== named.device }
  }

  close(): void {}

  #look(): Omit<RootIdentity, 'isMountPoint'> {
    const attempt = `cannot open the folder "${this.#path}"`
    try {
      const stats = statSync(this.#path, { bigint: true })
      if (stats.isDirectory()) {
        return { device: stats.dev, inode: stats.ino, birthNs: stats.birthtimeNs }
      }
    } catch (error) {
      if (!isAbsent(error)) throw fileError(attempt, error)
      throw new AppError('ROOT_MISSING', `${attempt}: it does not exist`, { cause: error })
    }
    throw new AppError('ROOT_MISSING', `${attempt}: it is no folder`)
  }

  /** The whole path as bytes, after a look at every folder on the way. */
  #bytes(attempt: Attempt): Buffer {
    const parsed = parseRelPath(attempt.path)
    if (!parsed.ok)
      throw new AppError('PATH_INVALID', `${describe(attempt)}: ${parsed.error.message}`)
    for (
      let folder = parent(attempt.path);
      folder !== null && folder !== ROOT;
      folder = parent(folder)
    ) {
      if (!lstatSync(this.#join(folder)).isDirectory())
        throw systemError(describe(attempt), 'ENOTDIR')
    }
    return this.#join(attempt.path)
  }

  #join(path: RelPath): Buffer {
    return Buffer.from(toBytes(path === ROOT ? this.#prefix : child(this.#prefix as RelPath, path)))
  }

  #present<T>(attempt: Attempt, run: () => T): T | null {
    try {
      return run()
    } catch (error) {
      if (isAbsent(error)) return null
      throw fileError(describe(attempt), error)
    }
  }
}

/** Takes the descriptor over. */
function openPortable(attempt: Attempt, descriptor: number): PortableFile {
  try {
    const opened = stateOf(fstatSync(descriptor, { bigint: true }), 'file', null)
    return new PortableFile(attempt, { descriptor, opened })
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

class PortableFile implements ReadHandle {
  readonly opened: FileState
  readonly #attempt: Attempt
  readonly #descriptor: number
  #isOpen = true

  constructor(attempt: Attempt, file: { readonly descriptor: number; readonly opened: FileState }) {
    this.#attempt = attempt
    this.#descriptor = file.descriptor
    this.opened = file.opened
  }

  read(buffer: Uint8Array, position: number): number {
    try {
      return readSync(this.#descriptor, buffer, 0, buffer.length, position)
    } catch (error) {
      throw fileError(describe(this.#attempt), error)
    }
  }

  stat(): FileState {
    try {
      return stateOf(fstatSync(this.#descriptor, { bigint: true }), 'file', null)
    } catch (error) {
      throw fileError(describe(this.#attempt), error)
    }
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#descriptor)
    this.#isOpen = false
  }
}

function isAbsent(error: unknown): boolean {
  const name = error instanceof AppError ? error.data['errno'] : errorName(error)
  return name === 'ENOENT' || name === 'ENOTDIR' || name === 'ELOOP'
}

function typeOf(stats: BigIntStats): FileType | null {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  return stats.isFIFO() ? 'fifo' : null
}

function stateOf(stats: BigIntStats, type: FileType, linkTarget: ByteString | null): FileState {
  return {
    type,
    size: type === 'file' ? Number(stats.size) : 0,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    birthNs: stats.birthtimeNs,
    device: stats.dev,
    inode: stats.ino,
    linkCount: Number(stats.nlink),
    linkTarget,
  }
}
