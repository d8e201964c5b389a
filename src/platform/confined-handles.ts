import { ftruncateSync, readSync, writeSync } from 'node:fs'

import type {
  AttributeRefusal,
  Metadata,
  ReadHandle,
  WriteHandle,
} from '../core/apply/target-tree.ts'
import type { ByteString } from '../core/base/byte-string.ts'
import type { AttributeKinds, Attributes } from '../core/change/attributes.ts'
import type { FileState } from '../core/change/entry.ts'
import { type Attempt, attemptError, describe } from './attempt.ts'
import { type OpenObject, attributesOf, setAttributeOf } from './confined-attributes.ts'
import { type ConfinedRoot } from './confined-root.ts'
import { changeMetadata } from './linux-metadata.ts'
import { FICLONE } from './linux-numbers.ts'
import { answeredState, answeredType, statDescriptor } from './linux-stat.ts'
import { fileError } from './system-error.ts'

/** Takes a descriptor over; null, and it is closed, where it is no regular file. */
export function openFileHandle(
  root: ConfinedRoot,
  attempt: Attempt,
  descriptor: number,
): OpenedFile | null {
  if (!statDescriptor(root.kernel, descriptor)) {
    const errno = root.errno()
    root.closeDescriptor(descriptor)
    throw attemptError({ ...attempt, action: 'look at' }, errno)
  }
  if (answeredType() === 'file')
    return new OpenedFile(root, attempt, { descriptor, opened: answeredState('file') })
  root.closeDescriptor(descriptor)
  return null
}

/** An open regular file. */
export class FileHandle implements WriteHandle {
  readonly #root: ConfinedRoot
  readonly #attempt: Attempt
  #descriptor: number
  /** Where the next byte is written. */
  #endBytes = 0
  #sharedBytes = 0

  constructor(root: ConfinedRoot, attempt: Attempt, descriptor: number) {
    this.#root = root
    this.#attempt = attempt
    this.#descriptor = descriptor
  }

  read(buffer: Uint8Array, position: number): number {
    try {
      return readSync(this.#descriptor, buffer, 0, buffer.length, position)
    } catch (error) {
      throw fileError(describe(this.#attempt), error)
    }
  }

  share(source: ReadHandle, bytes: number): boolean {
    if (!(source instanceof FileHandle)) return false
    const { call, numbers } = this.#root.kernel
    const [from, to] = [source.#descriptor, this.#descriptor]
    if (call(numbers.ioctl, to, FICLONE, from, 0, 0, 0) !== 0) return false
    this.#resize(bytes)
    this.#sharedBytes = bytes
    return true
  }

  keep(bytes: number): void {
    this.#endBytes += bytes
  }

  write(bytes: Uint8Array): void {
    try {
      for (let offset = 0; offset < bytes.length;) {
        const left = bytes.length - offset
        const written = writeSync(this.#descriptor, bytes, offset, left, this.#endBytes)
        this.#endBytes += written
        offset += written
      }
    } catch (error) {
      throw fileError(describe(this.#attempt), error)
    }
  }

  skip(bytes: number): void {
    this.#resize(this.#endBytes + bytes)
    this.#endBytes += bytes
  }

  /** Ends the file behind so many bytes, and writes there from now on. */
  cutAt(bytes: number): void {
    try {
      ftruncateSync(this.#descriptor, bytes)
    } catch (error) {
      throw fileError(describe(this.#attempt), error)
    }
    this.#endBytes = bytes
  }

  setMetadata(metadata: Metadata): void {
    const failed = changeMetadata(
      this.#root.kernel,
      { descriptor: this.#descriptor, isPath: false },
      metadata,
    )
    if (failed !== null)
      throw attemptError({ ...this.#attempt, action: failed.action }, failed.errno)
  }

  attributes(kinds: AttributeKinds): Attributes {
    return attributesOf(this.#object, kinds)
  }

  setAttribute(name: ByteString, value: ByteString | null): AttributeRefusal | null {
    return setAttributeOf(this.#object, name, value)
  }

  stat(): FileState {
    if (!statDescriptor(this.#root.kernel, this.#descriptor))
      throw attemptError({ ...this.#attempt, action: 'look at' }, this.#root.errno())
    return answeredState('file')
  }

  close(): void {
    if (this.#descriptor < 0) return
    try {
      // Content that was broken off may go on another time, but not behind that of another version.
      if (this.#endBytes < this.#sharedBytes) this.#resize(this.#endBytes)
    } catch (error) {
      this.#closeDescriptor()
      throw error
    }
    if (!this.#closeDescriptor()) throw attemptError(this.#attempt, this.#root.errno())
  }

  #closeDescriptor(): boolean {
    const descriptor = this.#descriptor
    this.#descriptor = -1
    return this.#root.closeDescriptor(descriptor)
  }

  #resize(bytes: number): void {
    try {
      ftruncateSync(this.#descriptor, bytes)
    } catch (error) {
      throw fileError(describe(this.#attempt), error)
    }
  }

  get #object(): OpenObject {
    return {
      root: this.#root,
      attempt: this.#attempt,
      descriptor: this.#descriptor,
      isPath: false,
    }
  }
}

/** One that existed before it was opened. */
export class OpenedFile extends FileHandle implements ReadHandle {
  readonly opened: FileState

  constructor(
    root: ConfinedRoot,
    attempt: Attempt,
    file: { readonly descriptor: number; readonly opened: FileState },
  ) {
    super(root, attempt, file.descriptor)
    this.opened = file.opened
  }
}
