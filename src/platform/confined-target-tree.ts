import type {
  Metadata,
  MetadataHandle,
  TargetTree,
  WriteHandle,
} from '../core/apply/target-tree.ts'
import type { ByteString } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'
import type { FileType } from '../core/change/entry.ts'
import { ROOT, type RelPath } from '../core/path/rel-path.ts'
import { type Attempt, attemptError, describe } from './attempt.ts'
import { PathHandle } from './confined-attributes.ts'
import { copyContent } from './confined-copy.ts'
import { FileHandle, openFileHandle } from './confined-handles.ts'
import { ConfinedReadTree } from './confined-read-tree.ts'
import type { Linux } from './libc.ts'
import { nameAddress, otherNameAddress } from './linux-memory.ts'
import { canSetTimesByPath, changeMetadata } from './linux-metadata.ts'
import {
  AT_REMOVEDIR,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  RENAME_NOREPLACE,
} from './linux-numbers.ts'

const S_IFIFO = 0o010000
/** Narrow until the exact mode is set: the umask and the folder's set-group-id bit have their own ideas. */
const MODE_FIRST = 0o700
/** It may be read-only already. */
const MODE_APPENDED = 0o600

/** Too many names, none but one on this file system, none from one to another, or not for this agent. */
const CANNOT_LINK = /^(EMLINK|EPERM|ENOSYS|EOPNOTSUPP|ENOTSUP|EXDEV)$/

/** `TargetTree` on Linux: what a peer sends is written beneath the root and nowhere else. */
export class ConfinedTargetTree extends ConfinedReadTree implements TargetTree {
  /** False once this file system has shown that it does not know RENAME_NOREPLACE. */
  #canRefuse = true

  /** Refuses with PLATFORM_UNSUPPORTED where the kernel cannot confine: there is no other way of writing. */
  constructor(path: string, kernel?: Linux) {
    super(path, kernel)
    try {
      this.#requireKernel()
    } catch (error) {
      this.close()
      throw error
    }
  }

  makeDirectory(path: RelPath, mode: number): void {
    const attempt: Attempt = { action: 'make the folder', path }
    const { call, numbers } = this.root.kernel
    this.#inParent(attempt, path, (folder, name) =>
      call(numbers.mkdirat, folder, nameAddress(name), MODE_FIRST, 0, 0, 0),
    )
    this.root.forget(path)
    this.setMetadata(path, 'directory', { mode, owner: null, mtimeNs: null })
  }

  removeDirectory(path: RelPath): boolean {
    const errno = this.#remove({ action: 'remove the folder', path }, AT_REMOVEDIR)
    this.root.forget(path)
    return errno !== 'ENOTEMPTY'
  }

  unlink(path: RelPath): void {
    this.#remove({ action: 'remove', path }, 0)
  }

  makeSymlink(path: RelPath, linkTarget: ByteString): void {
    const { call, numbers } = this.root.kernel
    this.#makeSpecial({ action: 'make the link', path }, (folder, name) =>
      call(numbers.symlinkat, nameAddress(linkTarget), folder, otherNameAddress(name), 0, 0, 0),
    )
  }

  makeFifo(path: RelPath, mode: number): void {
    const { call, numbers } = this.root.kernel
    this.#makeSpecial({ action: 'make the fifo', path }, (folder, name) =>
      call(numbers.mknodat, folder, nameAddress(name), S_IFIFO | MODE_FIRST, 0, 0, 0),
    )
    this.setMetadata(path, 'fifo', { mode, owner: null, mtimeNs: null })
  }

  link(from: RelPath, to: RelPath): boolean {
    const attempt: Attempt = { action: 'link', path: from, to }
    const { call, numbers } = this.root.kernel
    let refusal: string | null = null
    this.#inParent(attempt, from, (fromFolder, fromName) =>
      this.#inParent(attempt, to, (toFolder, toName) => {
        const name = nameAddress(fromName)
        const otherName = otherNameAddress(toName)
        if (call(numbers.linkat, fromFolder, name, toFolder, otherName, 0, 0) === 0) return 0
        const errno = this.root.errno()
        refusal = CANNOT_LINK.test(errno) ? errno : null
        return refusal === null ? -1 : 0
      }),
    )
    return refusal === null
  }

  rename(from: RelPath, to: RelPath): void {
    this.#rename({ action: 'rename', path: from, to }, to, 0)
    this.root.forget(from)
    this.root.forget(to)
  }

  place(from: RelPath, to: RelPath): void {
    this.#placeNew(from, to)
    this.root.forget(from)
    this.root.forget(to)
  }

  #placeNew(from: RelPath, to: RelPath): void {
    const attempt: Attempt = { action: 'place', path: from, to }
    try {
      if (this.#canRefuse) return this.#rename(attempt, to, RENAME_NOREPLACE)
    } catch (error) {
      if (!isCannotRefuse(error)) throw error
      this.#canRefuse = false
    }
    // A file system that cannot refuse by itself is asked first.
    if (this.lstat(to) !== null) throw attemptError(attempt, 'EEXIST')
    this.#rename(attempt, to, 0)
  }

  createWhole(path: RelPath, bytes: Uint8Array, metadata: Metadata): void {
    const attempt: Attempt = { action: 'write', path }
    const handle = new FileHandle(this.root, attempt, this.root.create(attempt, path))
    try {
      handle.write(bytes)
      handle.setMetadata(metadata)
      handle.close()
    } catch (error) {
      this.unlink(path)
      throw error
    } finally {
      handle.close()
    }
  }

  create(path: RelPath): WriteHandle {
    const attempt: Attempt = { action: 'write', path }
    return new FileHandle(this.root, attempt, this.root.create(attempt, path))
  }

  append(path: RelPath, keptBytes: number): WriteHandle {
    const attempt: Attempt = { action: 'write', path }
    this.setMetadata(path, 'file', { mode: MODE_APPENDED, owner: null, mtimeNs: null })
    const flags = O_WRONLY | O_NONBLOCK | O_NOCTTY
    const descriptor = this.root.open(attempt, path, flags)
    const handle = descriptor === null ? null : openFileHandle(this.root, attempt, descriptor)
    if (handle === null) throw attemptError(attempt, 'ENOENT')
    handle.cutAt(keptBytes)
    return handle
  }

  copy(from: RelPath, to: RelPath): void {
    const attempt: Attempt = { action: 'copy', path: from, to }
    const source = this.root.open(attempt, from, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    if (source === null) throw attemptError(attempt, 'ENOENT')
    try {
      this.#copyTo(attempt, source, to)
    } finally {
      this.root.closeDescriptor(source)
    }
  }

  setMetadata(path: RelPath, type: FileType, metadata: Metadata): void {
    const attempt: Attempt = { action: 'change', path }
    const descriptor = this.root.open(attempt, path, O_PATH)
    if (descriptor === null) throw attemptError(attempt, 'ENOENT')
    try {
      this.#requireType(attempt, descriptor, type)
      const mode = type === 'symlink' ? null : metadata.mode
      const owner = { descriptor, isPath: true }
      const failed = changeMetadata(this.root.kernel, owner, { ...metadata, mode })
      if (failed !== null) throw attemptError({ ...attempt, action: failed.action }, failed.errno)
    } finally {
      this.root.closeDescriptor(descriptor)
    }
  }

  openMetadata(path: RelPath, type: FileType): MetadataHandle {
    const attempt: Attempt = { action: 'change', path }
    const descriptor = this.root.open(attempt, path, O_PATH)
    if (descriptor === null) throw attemptError(attempt, 'ENOENT')
    const handle = new PathHandle(this.root, attempt, descriptor)
    try {
      this.#requireType(attempt, descriptor, type)
      return handle
    } catch (error) {
      handle.close()
      throw error
    }
  }

  sync(): void {
    const { call, numbers } = this.root.kernel
    if (call(numbers.syncfs, this.root.descriptor, 0, 0, 0, 0, 0) === 0) return
    throw attemptError({ action: 'sync', path: ROOT }, this.root.errno())
  }

  /** Here a socket or device would silently be replaced if it were invisible. */
  protected override special(attempt: Attempt): null {
    const message = `${describe(attempt)}: it is a socket or a device`
    throw new AppError('EXTRA_IN_THE_WAY', message)
  }

  /** Runs a call in the folder of a path and throws what failed; gives 0, as the call does. */
  #inParent(
    attempt: Attempt,
    path: RelPath,
    run: (folder: number, name: ByteString) => number,
  ): number {
    const failed = this.root.inParent(attempt, path, run)
    if (failed !== null) throw attemptError(attempt, failed.errno)
    return 0
  }

  /** With these a file system says that it does not hold what is to be made: neither needs any privilege. */
  #makeSpecial(attempt: Attempt, run: (folder: number, name: ByteString) => number): void {
    const failed = this.root.inParent(attempt, attempt.path, run)
    if (failed === null) return
    if (!failed.isFolder && /^(EPERM|EOPNOTSUPP|ENOTSUP)$/.test(failed.errno))
      throw new AppError('TYPE_UNSUPPORTED', `${describe(attempt)}: not held by the file system`)
    throw attemptError(attempt, failed.errno)
  }

  #rename(attempt: Attempt, to: RelPath, flags: number): void {
    const { call, numbers } = this.root.kernel
    this.#inParent(attempt, attempt.path, (fromFolder, fromName) =>
      this.#inParent(attempt, to, (toFolder, toName) => {
        const name = nameAddress(fromName)
        const otherName = otherNameAddress(toName)
        return call(numbers.renameat2, fromFolder, name, toFolder, otherName, flags, 0)
      }),
    )
  }

  /** Gives the name of an error that is an ordinary answer: the path is gone, or the folder is not empty. */
  #remove(attempt: Attempt, flags: number): 'ENOENT' | 'ENOTEMPTY' | null {
    const { call, numbers } = this.root.kernel
    const failed = this.root.inParent(attempt, attempt.path, (folder, name) =>
      call(numbers.unlinkat, folder, nameAddress(name), flags, 0, 0, 0),
    )
    if (failed === null) return null
    if (failed.isFolder || failed.errno === 'ENOENT') return 'ENOENT'
    if (failed.errno === 'ENOTEMPTY' || failed.errno === 'EEXIST') return 'ENOTEMPTY'
    throw attemptError(attempt, failed.errno)
  }

  /** A copy that failed leaves nothing behind. */
  #copyTo(attempt: Attempt, source: number, to: RelPath): void {
    const target = this.root.create(attempt, to)
    const handle = new FileHandle(this.root, attempt, target)
    try {
      copyContent(this.root, attempt, { source, target })
      handle.close()
    } catch (error) {
      this.unlink(to)
      throw error
    } finally {
      handle.close()
    }
  }

  /** What a third party has put in the place of a path does not get its mode and owner. */
  #requireType(attempt: Attempt, descriptor: number, type: FileType): void {
    const found = this.stateOf(attempt, descriptor)?.type
    if (found === type) return
    const message = `${describe(attempt)}: it is a ${found}, not a ${type}`
    throw new AppError('EXTRA_IN_THE_WAY', message)
  }

  #requireKernel(): void {
    const attempt: Attempt = { action: 'confine writing below', path: ROOT }
    const descriptor = this.root.open(attempt, ROOT, O_PATH | O_DIRECTORY)
    const canSetTimes = descriptor !== null && canSetTimesByPath(this.root.kernel, descriptor)
    if (descriptor !== null) this.root.closeDescriptor(descriptor)
    if (canSetTimes) return
    const message = `cannot write below "${this.root.path}": the kernel is older than Linux 5.8`
    throw new AppError('PLATFORM_UNSUPPORTED', message)
  }
}

function isCannotRefuse(error: unknown): boolean {
  return error instanceof AppError && /^(EINVAL|ENOSYS)$/.test(String(error.data['errno']))
}
