import type { ReadHandle, ReadTree, RootIdentity } from '../core/apply/target-tree.ts'
import type { ByteString } from '../core/base/byte-string.ts'
import { AppError, toAppError } from '../core/base/errors.ts'
import type { AttributeKinds } from '../core/change/attributes.ts'
import type { FileState } from '../core/change/entry.ts'
import { ROOT, type RelPath } from '../core/path/rel-path.ts'
import { type Attempt, attemptError } from './attempt.ts'
import { attributesOf } from './confined-attributes.ts'
import { openFileHandle } from './confined-handles.ts'
import { ConfinedRoot } from './confined-root.ts'
import type { Linux } from './libc.ts'
import { direntAddress, direntBytes } from './linux-memory.ts'
import {
  F_RDLCK,
  F_SETLEASE,
  F_SETSIG,
  F_UNLCK,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  SIGURG,
} from './linux-numbers.ts'
import {
  answeredMountRoot,
  answeredState,
  answeredType,
  readLink,
  statDescriptor,
  statName,
} from './linux-stat.ts'

/** Looks at something that changes while it is looked at. */
const CLOSE_LOOKS_MAX = 3

/** Two names of one number. */
const IS_OPEN = /^(EAGAIN|EWOULDBLOCK)$/

/** `ReadTree` on Linux, confined by the kernel. Sockets and devices are invisible. */
export class ConfinedReadTree implements ReadTree {
  protected readonly root: ConfinedRoot

  /** Throws ROOT_MISSING, and PLATFORM_UNSUPPORTED where the kernel cannot confine. */
  constructor(path: string, kernel?: Linux) {
    this.root = new ConfinedRoot(path, kernel)
  }

  lstat(path: RelPath): FileState | null {
    const attempt: Attempt = { action: 'look at', path }
    if (path === ROOT) return this.#lstatOpened(attempt)
    const { kernel } = this.root
    const failed = this.root.inParent(attempt, path, (folder, name) =>
      statName(kernel, folder, name),
    )
    if (failed === null) {
      // A link's target is read of the same object: one that was opened.
      const type = answeredType()
      if (type === 'symlink') return this.#lstatOpened(attempt)
      return type === null ? this.special(attempt) : answeredState(type)
    }
    if (failed.isFolder || failed.errno === 'ENOENT') return null
    throw attemptError(attempt, failed.errno)
  }

  lstatClosely(path: RelPath, kinds: AttributeKinds): FileState | null {
    const attempt: Attempt = { action: 'look at', path }
    const descriptor = this.root.open(attempt, path, O_PATH)
    if (descriptor === null) return null
    try {
      for (let tries = 1; ; tries++) {
        const state = this.stateOf(attempt, descriptor)
        if (state === null) return null
        const object = { root: this.root, attempt, descriptor, isPath: true }
        const attributes = attributesOf(object, kinds)
        const after = this.stateOf(attempt, descriptor)
        // What changes all the time is as it was last: whoever changes it is noticed.
        if (after?.ctimeNs === state.ctimeNs || tries === CLOSE_LOOKS_MAX)
          return { ...state, attributes }
      }
    } finally {
      this.root.closeDescriptor(descriptor)
    }
  }

  #lstatOpened(attempt: Attempt): FileState | null {
    const descriptor = this.root.open(attempt, attempt.path, O_PATH)
    if (descriptor === null) return null
    try {
      return this.stateOf(attempt, descriptor)
    } finally {
      this.root.closeDescriptor(descriptor)
    }
  }

  list(folder: RelPath): ByteString[] | null {
    const attempt: Attempt = { action: 'list', path: folder }
    const descriptor = this.root.open(attempt, attempt.path, O_RDONLY | O_DIRECTORY)
    if (descriptor === null) return null
    try {
      return this.#names(attempt, descriptor)
    } finally {
      this.root.closeDescriptor(descriptor)
    }
  }

  open(path: RelPath): ReadHandle | null {
    const attempt: Attempt = { action: 'read', path }
    // Without blocking: a fifo swapped in would hold the thread until someone writes to it.
    const descriptor = this.#openContent(attempt)
    return descriptor === null ? null : openFileHandle(this.root, attempt, descriptor)
  }

  /**
   * The kernel grants a lease for reading only where nobody writes. It is given back at once; whoever opens the file for
   * writing in between waits for that, and the signal that announces it is one that is ignored.
   */
  isBeingWritten(path: RelPath): boolean | null {
    const { call, numbers } = this.root.kernel
    const descriptor = this.#openQuietly({ action: 'look at', path })
    if (descriptor === null) return null
    try {
      if (call(numbers.fcntl, descriptor, F_SETSIG, SIGURG, 0, 0, 0) !== 0) return null
      if (call(numbers.fcntl, descriptor, F_SETLEASE, F_RDLCK, 0, 0, 0) !== 0)
        return IS_OPEN.test(this.root.errno()) ? true : null
      call(numbers.fcntl, descriptor, F_SETLEASE, F_UNLCK, 0, 0, 0)
      return false
    } finally {
      this.root.closeDescriptor(descriptor)
    }
  }

  identity(): RootIdentity {
    const opened = this.#identityOf(this.root)
    const current = new ConfinedRoot(this.root.path, this.root.kernel)
    try {
      const named = this.#identityOf(current)
      if (named.device === opened.device && named.inode === opened.inode) return named
    } finally {
      current.close()
    }
    const message = `cannot use the folder "${this.root.path}": another one has taken its place`
    throw new AppError('ROOT_CHANGED', message)
  }

  close(): void {
    this.root.close()
  }

  /** What is neither file, folder, link nor fifo. */
  protected special(_attempt: Attempt): null {
    return null
  }

  protected stateOf(attempt: Attempt, descriptor: number): FileState | null {
    const { kernel } = this.root
    if (!statDescriptor(kernel, descriptor)) throw attemptError(attempt, this.root.errno())
    const type = answeredType()
    if (type === null) return this.special(attempt)
    const state = answeredState(type)
    if (type !== 'symlink') return state
    const linkTarget = readLink(kernel, descriptor)
    if (linkTarget === null) throw attemptError(attempt, this.root.errno())
    return { ...state, linkTarget }
  }

  /** Null also where it may not be opened: whoever asks only wants to know whether to wait. */
  #openQuietly(attempt: Attempt): number | null {
    try {
      return this.#openContent(attempt)
    } catch (error) {
      if (toAppError(error).code === 'INTERNAL') throw error
      return null
    }
  }

  #openContent(attempt: Attempt): number | null {
    try {
      return this.root.open(attempt, attempt.path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    } catch (error) {
      // A socket, or a device without a driver.
      const isSpecial =
        error instanceof AppError && /^(ENXIO|ENODEV)$/.test(String(error.data['errno']))
      if (isSpecial) return null
      throw error
    }
  }

  #identityOf(root: ConfinedRoot): RootIdentity {
    if (!statDescriptor(root.kernel, root.descriptor)) {
      throw attemptError({ action: 'look at', path: ROOT }, root.errno())
    }
    const { device, inode, birthNs } = answeredState('directory')
    return { device, inode, birthNs, isMountPoint: answeredMountRoot() }
  }

  #names(attempt: Attempt, descriptor: number): ByteString[] {
    const { call, numbers } = this.root.kernel
    const names: ByteString[] = []
    for (;;) {
      const length = call(
        numbers.getdents64,
        descriptor,
        direntAddress,
        direntBytes.length,
        0,
        0,
        0,
      )
      if (length === 0) return names
      if (length < 0) {
        if (this.root.errno() === 'ENOENT') return names
        throw attemptError(attempt, this.root.errno())
      }
      addNames(names, length)
    }
  }
}

/** Each record: inode and offset (16 bytes), its length (2), type (1), then the name up to a zero. */
function addNames(names: ByteString[], length: number): void {
  for (let start = 0; start < length;) {
    const end = direntBytes.indexOf(0, start + 19)
    const name = direntBytes.toString('latin1', start + 19, end)
    if (name !== '.' && name !== '..') names.push(name as ByteString)
    start += direntBytes.readUInt16LE(start + 16)
  }
}
