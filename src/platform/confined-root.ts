import { type ByteString, fromText } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'
import { ROOT, type RelPath, basename, parent } from '../core/path/rel-path.ts'
import { type Attempt, LEAVES, attemptError } from './attempt.ts'
import { ConfinedFolders, type Folder } from './confined-folders.ts'
import { type Linux, errnoName, linux } from './libc.ts'
import { HOW_BYTES, howAddress, nameAddress } from './linux-memory.ts'
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from './linux-numbers.ts'
import { systemError } from './system-error.ts'

const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS

const MODE_NEW = 0o600

/** These say that a path does not exist: also where a link or a file stands in place of one of its folders. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])

/**
 * An open folder beneath which paths are resolved by the kernel itself (openat2): no link is followed, nothing outside
 * is reached, whatever is swapped in meanwhile. No descriptor outlives the turn it was opened in (`ConfinedFolders`).
 */
export class ConfinedRoot {
  readonly path: string
  readonly descriptor: number
  readonly kernel: Linux
  readonly #folders = new ConfinedFolders({
    open: (folder) => this.#openFolder(folder),
    close: (descriptor) => this.closeDescriptor(descriptor),
  })
  #isOpen = true

  /**
   * Opens the folder; links in the path of the root itself are followed. ROOT_MISSING where it is no folder,
   * PLATFORM_UNSUPPORTED where the kernel has no openat2 (before Linux 5.6, or filtered away).
   */
  constructor(path: string, kernel: Linux = linux()) {
    this.path = path
    this.kernel = kernel
    const flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    const name = nameAddress(fromText(path))
    this.descriptor = kernel.call(kernel.numbers.openat, AT_FDCWD, name, flags, 0, 0, 0)
    if (this.descriptor < 0) throw this.#rootError()
    this.#requireConfinement()
  }

  /** Opens a path for the flags; the descriptor, or null where it does not exist. */
  open(attempt: Attempt, path: RelPath, flags: number): number | null {
    const descriptor = this.#openat2(path, flags, 0)
    if (descriptor >= 0) return descriptor
    const name = this.errno()
    if (ABSENT.has(name)) return null
    throw attemptError(attempt, leaving(name))
  }

  /** Makes a file that must not exist yet and opens it for writing. */
  create(attempt: Attempt, path: RelPath): number {
    const { call, numbers } = this.kernel
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let descriptor = -1
    const failed = this.inParent(attempt, path, (folder, name) => {
      descriptor = call(numbers.openat, folder, nameAddress(name), flags, MODE_NEW, 0, 0)
      return descriptor < 0 ? descriptor : 0
    })
    if (failed !== null) throw attemptError(attempt, failed.errno)
    return descriptor
  }

  /**
   * Runs a call with the folder that holds a path and the last name of it, which the call must not follow and must give
   * 0 for. Gives null, or why it failed and whether already at the folder.
   */
  inParent(
    attempt: Attempt,
    path: RelPath,
    run: (folder: number, name: ByteString) => number,
  ): ParentFailure | null {
    const above = parent(path)
    if (above === null) throw attemptError(attempt, 'EBUSY')
    const name = basename(path)
    // The kernel confines the folder; calls on a name within it would take this one for the folder above.
    if (name === '..') throw attemptError(attempt, LEAVES)
    return this.#folders.use(above, (folder) => {
      if (typeof folder === 'number')
        return run(folder, name) === 0 ? null : { isFolder: false, errno: this.errno() }
      if (ABSENT.has(folder)) return { isFolder: true, errno: folder }
      throw attemptError(attempt, leaving(folder))
    })
  }

  /** Whatever was known of a folder at this path is no longer true. */
  forget(path: RelPath): void {
    this.#folders.forget(path)
  }

  /** False with errno set where a file system only now tells that a write has failed, as NFS does. */
  closeDescriptor(descriptor: number): boolean {
    return this.kernel.call(this.kernel.numbers.close, descriptor, 0, 0, 0, 0, 0) === 0
  }

  /** The name of the last failure of this thread. */
  errno(): string {
    return errnoName(this.kernel.errno())
  }

  close(): void {
    this.#folders.clear()
    if (this.#isOpen) this.closeDescriptor(this.descriptor)
    this.#isOpen = false
  }

  #openFolder(path: RelPath): Folder {
    const descriptor = this.#openat2(path, O_PATH | O_DIRECTORY, 0)
    return descriptor >= 0 ? descriptor : this.errno()
  }

  #openat2(path: RelPath, flags: number, mode: number): number {
    const { call, numbers } = this.kernel
    // A closed number may have been given to something else: it must never be used again.
    if (!this.#isOpen) throw new Error(`the tree of "${this.path}" is closed`)
    const name = nameAddress(path === '' ? '.' : path)
    const how = howAddress(flags | O_NOFOLLOW | O_CLOEXEC, mode, RESOLVE)
    return call(numbers.openat2, this.descriptor, name, how, HOW_BYTES, 0, 0)
  }

  #requireConfinement(): void {
    const descriptor = this.#openat2(ROOT, O_PATH, 0)
    if (descriptor >= 0) {
      this.closeDescriptor(descriptor)
      return
    }
    const name = this.errno()
    this.close()
    const message = `cannot confine paths below "${this.path}": openat2 gives ${name}`
    throw new AppError('PLATFORM_UNSUPPORTED', message)
  }

  #rootError(): AppError {
    const name = this.errno()
    const attempt = `cannot open the folder "${this.path}"`
    if (!ABSENT.has(name)) return systemError(attempt, name)
    const reason = name === 'ENOTDIR' ? 'it is no folder' : 'it does not exist'
    return new AppError('ROOT_MISSING', `${attempt}: ${reason}`)
  }
}

/** Where and why a call in a folder failed. */
export interface ParentFailure {
  /** True where the folder itself does not exist. */
  readonly isFolder: boolean
  readonly errno: string
}

/** With RESOLVE_BENEATH these two mean that the path tried to leave the root. */
function leaving(name: string): string {
  return name === 'EXDEV' || name === 'EAGAIN' ? LEAVES : name
}
