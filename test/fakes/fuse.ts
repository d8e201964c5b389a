import type { IndexBatch } from '../../src/core/apply/index-store.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'
import { MemoryIndex } from './memory-index.ts'

/** Stands for the end of a process: nobody catches it but the test. */
export class Crash extends Error {}

/** Counts every call that reaches the disk or the index, and ends the process at the one it is told. */
export class Fuse {
  #left = Number.POSITIVE_INFINITY

  light(calls: number): void {
    this.#left = calls
  }

  putOut(): void {
    this.#left = Number.POSITIVE_INFINITY
  }

  burn(): void {
    if (this.#left-- <= 0) throw new Crash('the process was killed')
  }
}

/** An index in memory that dies right before or right after it has written something. */
export class FusedIndex extends MemoryIndex {
  readonly #fuse: Fuse

  /** `all` are the indexes in one file. */
  constructor(fuse: Fuse, ...[bindingId, all]: ConstructorParameters<typeof MemoryIndex>) {
    super(bindingId, all)
    this.#fuse = fuse
  }

  override claim(paths: readonly RelPath[]): void {
    this.#fuse.burn()
    super.claim(paths)
    this.#fuse.burn()
  }

  override commit(batch: IndexBatch): void {
    this.#fuse.burn()
    super.commit(batch)
    this.#fuse.burn()
  }
}
