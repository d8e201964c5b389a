import { assert } from '../base/assert.ts'
import type { Failure } from '../base/result.ts'
import type { ContentHash, SentState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { BaseFile } from './base-file.ts'
import type { InboundFile } from './inbound.ts'
import type { MetadataWriter } from './metadata.ts'
import { NOTHING_LACKS, type Note } from './notes.ts'
import type { PartialStart } from './partials.ts'
import { isRefusal } from './refusal.ts'
import { SparseContent } from './sparse-content.ts'
import type { Staging } from './staging.ts'
import type { Hasher, TargetTree, WriteHandle } from './target-tree.ts'

/** Content that arrived: where it lies complete with its metadata, or why it does not. */
export interface StagedFile {
  readonly path: RelPath
  readonly hash: ContentHash
  readonly size: number
  readonly failure: Failure | null
  /** What of its metadata this place does not hold. */
  readonly notes: readonly Note[]
}

export interface IncomingDependencies {
  readonly tree: TargetTree
  readonly staging: Staging
  readonly metadata: MetadataWriter
  readonly createHasher: () => Hasher
  /** Whether stretches of zeros become holes. */
  readonly sparse: boolean
}

/** Where content goes: into a staged file, or nowhere but through the hash, for a reason or because nobody wants it. */
export type Destination =
  | {
      readonly kind: 'staging'
      readonly state: SentState
      readonly start: PartialStart | null
    }
  | {
      readonly kind: 'nowhere'
      readonly failure: Failure | null
      readonly start: PartialStart | null
    }

/**
 * Writes one file's content into staging. What the disk refuses does not stop the stream: the rest is hashed and
 * dropped, and the entry becomes pending.
 */
export class IncomingFile implements InboundFile {
  readonly #deps: IncomingDependencies
  readonly #hasher: Hasher
  readonly #done: (file: StagedFile) => void
  readonly #state: SentState | null
  #handle: WriteHandle | null = null
  #path = '' as RelPath
  #size: number
  #failure: Failure | null = null
  #notes = NOTHING_LACKS
  /** As many bytes are in the file from the first: those of an older version. */
  #sharedBytes = 0
  #sparse = new SparseContent(0)
  #isOpen = true

  constructor(deps: IncomingDependencies, to: Destination, done: (file: StagedFile) => void) {
    this.#deps = deps
    this.#done = done
    this.#hasher = to.start?.hasher ?? deps.createHasher()
    this.#size = to.start?.keptBytes ?? 0
    this.#state = to.kind === 'staging' ? to.state : null
    if (to.kind === 'nowhere') this.#failure = to.failure
    else this.#try(() => this.#create(to.start))
  }

  beginWith(base: BaseFile): void {
    assert(this.#isOpen && this.#size === 0, 'a file begins once')
    const bytes = Math.min(base.size, this.#state?.size ?? 0)
    this.#try(() => {
      if (this.#handle === null || !base.share(this.#handle, bytes)) return
      this.#sharedBytes = bytes
      this.#sparse = new SparseContent(bytes)
    })
  }

  copy(bytes: Uint8Array, from: number): void {
    const isThere = from === this.#size && from + bytes.length <= this.#sharedBytes
    this.#take(bytes, () => (isThere ? this.#keep(bytes.length) : this.#put(bytes)))
  }

  write(bytes: Uint8Array): void {
    this.#take(bytes, () => this.#put(bytes))
  }

  finish(): ContentHash {
    assert(this.#isOpen, 'a file ends once')
    this.#try(() => this.#complete())
    this.close()
    const hash = this.#hasher.digest()
    const [size, failure, notes] = [this.#size, this.#failure, this.#notes]
    this.#done({ path: this.#path, hash, size, failure, notes })
    return hash
  }

  /** Gives the handle back where the content broke off; what was written stays, if it is worth it, for a set to come. */
  close(): void {
    this.#isOpen = false
    this.#handle?.close()
    this.#handle = null
  }

  #take(bytes: Uint8Array, put: () => void): void {
    assert(this.#isOpen, 'nothing is written to a file after its end')
    this.#hasher.update(bytes)
    this.#try(put)
    this.#size += bytes.length
  }

  #create(start: PartialStart | null): void {
    const { staging, tree } = this.#deps
    staging.make()
    this.#path = start?.path ?? staging.newPath()
    if (start !== null && start.keptBytes > 0) {
      this.#handle = tree.append(this.#path, start.keptBytes)
      return
    }
    if (start !== null) tree.unlink(this.#path)
    this.#handle = tree.create(this.#path)
  }

  #put(bytes: Uint8Array): void {
    const handle = this.#handle
    if (handle === null || !this.#deps.sparse) return handle?.write(bytes)
    this.#sparse.write(handle, bytes, this.#size)
  }

  #keep(bytes: number): void {
    if (this.#handle === null) return
    this.#sparse.flush(this.#handle)
    this.#handle.keep(bytes)
  }

  #complete(): void {
    if (this.#handle !== null) this.#sparse.flush(this.#handle)
    if (this.#handle !== null && this.#state !== null)
      this.#notes = this.#deps.metadata.applyNew(this.#handle, this.#state).notes
  }

  #try(work: () => void): void {
    try {
      work()
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      this.#failure = { code: thrown.code, message: thrown.message }
      this.#handle?.close()
      this.#handle = null
      this.#drop()
    }
  }

  /** A full disk must have room again for what comes next. */
  #drop(): void {
    if (this.#path === '') return
    try {
      this.#deps.tree.unlink(this.#path)
    } catch (thrown) {
      // It goes with the staging folder at the end of the set; the first failure is the one that counts.
      if (!isRefusal(thrown)) throw thrown
    }
  }
}
