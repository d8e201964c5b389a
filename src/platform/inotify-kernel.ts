import type { ByteString } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'
import { WATCH_MASK } from './inotify-events.ts'
import { type Linux, addressOf, errnoName, linux } from './libc.ts'
import { direntAddress, direntBytes, nameAddress } from './linux-memory.ts'
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
} from './linux-numbers.ts'
import { systemError } from './system-error.ts'

/** Room for many records of one read; the kernel gives as many whole ones as fit. */
const READ_BYTES = 256 << 10
const POLLIN = 1
/** The kernel passes over it. */
const NO_DESCRIPTOR = -1
const DT_UNKNOWN = 0
const DT_DIR = 4

/** The kernel calls of one inotify instance and the event descriptor that wakes the thread that waits for it. */
export class InotifyKernel {
  readonly #linux: Linux = linux()
  readonly #inotify: number
  readonly wakeDescriptor: number
  readonly #bytes = Buffer.alloc(READ_BYTES)
  readonly #bytesAddress = addressOf(this.#bytes)
  readonly #wakes = new BigUint64Array(1)
  readonly #wakesAddress = addressOf(new Uint8Array(this.#wakes.buffer))
  readonly #polled = new Int32Array(4)
  readonly #polledAddress = addressOf(new Uint8Array(this.#polled.buffer))
  readonly #timeout = new BigInt64Array(2)
  readonly #timeoutAddress = addressOf(new Uint8Array(this.#timeout.buffer))

  constructor() {
    const { call, numbers } = this.#linux
    this.#inotify = call(numbers.inotify_init1, O_CLOEXEC | O_NONBLOCK, 0, 0, 0, 0, 0)
    if (this.#inotify < 0) throw this.#instanceError()
    this.wakeDescriptor = call(numbers.eventfd2, 0, O_CLOEXEC | O_NONBLOCK, 0, 0, 0, 0)
    if (this.wakeDescriptor < 0) {
      const errno = this.errno()
      this.#close(this.#inotify)
      throw systemError('cannot make an event descriptor', errno)
    }
  }

  /** Watches a folder by its absolute path; its watch number, or -1 with errno set. */
  add(path: ByteString): number {
    const { call, numbers } = this.#linux
    return call(numbers.inotify_add_watch, this.#inotify, nameAddress(path), WATCH_MASK, 0, 0, 0)
  }

  /** Ends a watch; one that the kernel ended already is no error. */
  remove(watch: number): void {
    const { call, numbers } = this.#linux
    call(numbers.inotify_rm_watch, this.#inotify, watch, 0, 0, 0, 0)
  }

  /** The name of the last call's error. */
  errno(): string {
    return errnoName(this.#linux.errno())
  }

  /** Names of folders in a folder; empty where it is gone or may not be listed. Some may turn out to be no folders. */
  folders(path: ByteString): ByteString[] {
    const { call, numbers } = this.#linux
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    const descriptor = call(numbers.openat, AT_FDCWD, nameAddress(path), flags, 0, 0, 0)
    const names: ByteString[] = []
    if (descriptor < 0) return names
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
      if (length <= 0) break
      addFolderNames(names, length)
    }
    this.#close(descriptor)
    return names
  }

  /** Waits until there are events or a wake, or the time is up; null waits for ever. */
  wait(timeoutMs: number | null): void {
    this.#poll(this.#inotify, timeoutMs)
  }

  /** Waits until there is a wake; events stay where they are. */
  waitForWake(): void {
    this.#poll(NO_DESCRIPTOR, null)
  }

  #poll(events: number, timeoutMs: number | null): void {
    const { call, numbers } = this.#linux
    this.#polled.set([events, POLLIN, this.wakeDescriptor, POLLIN])
    this.#timeout[0] = BigInt(Math.floor((timeoutMs ?? 0) / 1000))
    this.#timeout[1] = BigInt(((timeoutMs ?? 0) % 1000) * 1_000_000)
    const timeout = timeoutMs === null ? 0 : this.#timeoutAddress
    call(numbers.ppoll, this.#polledAddress, 2, timeout, 0, 0, 0)
  }

  /** The records of one read; null where there are none. Valid until the next call. */
  read(): Buffer | null {
    const { call, numbers } = this.#linux
    const length = call(numbers.read, this.#inotify, this.#bytesAddress, READ_BYTES, 0, 0, 0)
    return length > 0 ? this.#bytes.subarray(0, length) : null
  }

  /** How many wakes there were since the last call. */
  takeWakes(): number {
    const { call, numbers } = this.#linux
    const length = call(numbers.read, this.wakeDescriptor, this.#wakesAddress, 8, 0, 0, 0)
    return length === 8 ? Number(this.#wakes[0]) : 0
  }

  /** Ends every watch. */
  close(): void {
    this.#close(this.#inotify)
    this.#close(this.wakeDescriptor)
  }

  #close(descriptor: number): void {
    const { call, numbers } = this.#linux
    call(numbers.close, descriptor, 0, 0, 0, 0, 0)
  }

  #instanceError(): AppError {
    const errno = this.errno()
    const hint = errno === 'EMFILE' ? ' (fs.inotify.max_user_instances is used up)' : ''
    return new AppError('WATCH_FAILED', `cannot start watching: ${errno}${hint}`)
  }
}

/** Each record: inode and offset (16 bytes), its length (2), type (1), then the name up to a zero. */
function addFolderNames(names: ByteString[], length: number): void {
  for (let start = 0; start < length;) {
    const type = direntBytes.readUInt8(start + 18)
    const end = direntBytes.indexOf(0, start + 19)
    const name = direntBytes.toString('latin1', start + 19, end)
    const maybeFolder = type === DT_DIR || type === DT_UNKNOWN
    if (maybeFolder && name !== '.' && name !== '..') names.push(name as ByteString)
    start += direntBytes.readUInt16LE(start + 16)
  }
}
