import type { AttributeRefusal, Metadata, MetadataHandle } from '../core/apply/target-tree.ts'
import type { ByteString } from '../core/base/byte-string.ts'
import type { AttributeKinds, Attributes } from '../core/change/attributes.ts'
import { type Attempt, attemptError } from './attempt.ts'
import type { ConfinedRoot } from './confined-root.ts'
import { AttributeFailure, changeAttribute, readAttributes } from './linux-attributes.ts'
import { type MetadataOwner, changeMetadata } from './linux-metadata.ts'

/** What is open beneath a root, with what is tried on it. */
export interface OpenObject extends MetadataOwner {
  readonly root: ConfinedRoot
  readonly attempt: Attempt
}

/** Reads the attributes of something open; throws what the system refuses. */
export function attributesOf(object: OpenObject, kinds: AttributeKinds): Attributes {
  const read = readAttributes(object.root.kernel, object, kinds)
  if (!(read instanceof AttributeFailure)) return read
  throw attemptError({ ...object.attempt, action: 'read the attributes of' }, read.errno)
}

/** Sets or removes one of them; throws what is no answer of the file system to it. */
export function setAttributeOf(
  object: OpenObject,
  name: ByteString,
  value: ByteString | null,
): AttributeRefusal | null {
  const changed = changeAttribute(object.root.kernel, object, { name, value })
  if (!(changed instanceof AttributeFailure)) return changed
  throw attemptError({ ...object.attempt, action: `change "${name}" of` }, changed.errno)
}

/** A descriptor that only stands for a path: its metadata, and nothing else, is reached through it. */
export class PathHandle implements MetadataHandle {
  readonly #object: OpenObject

  /** Takes the descriptor over. */
  constructor(root: ConfinedRoot, attempt: Attempt, descriptor: number) {
    this.#object = { root, attempt, descriptor, isPath: true }
  }

  setMetadata(metadata: Metadata): void {
    const { root, attempt } = this.#object
    const failed = changeMetadata(root.kernel, this.#object, metadata)
    if (failed !== null) throw attemptError({ ...attempt, action: failed.action }, failed.errno)
  }

  attributes(kinds: AttributeKinds): Attributes {
    return attributesOf(this.#object, kinds)
  }

  setAttribute(name: ByteString, value: ByteString | null): AttributeRefusal | null {
    return setAttributeOf(this.#object, name, value)
  }

  close(): void {
    this.#object.root.closeDescriptor(this.#object.descriptor)
  }
}
