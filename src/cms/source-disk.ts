import type { ReadTree } from '../core/apply/target-tree.ts'
import { type ByteString, toText } from '../core/base/byte-string.ts'
import { AppError, toAppError } from '../core/base/errors.ts'
import type { AttributeKinds } from '../core/change/attributes.ts'
import type { DiskView } from '../core/change/disk-view.ts'
import type { FileState } from '../core/change/entry.ts'
import { type KnownRoot, RootChanged, isSameRoot } from '../core/change/known-root.ts'
import { type RelPath, ROOT } from '../core/path/rel-path.ts'

export interface SourceRoot {
  readonly path: ByteString
  readonly requireMount: boolean
  /** What of attributes is looked at; null for nothing. */
  readonly kinds: AttributeKinds | null
}

export type OpenTree = (path: ByteString) => ReadTree

/**
 * The folder of one source as it is reached now. What is known of the root is checked whenever something would be
 * believed gone: a root that was lost or replaced looks just like one whose files were all deleted.
 */
export class SourceDisk implements DiskView {
  readonly #root: SourceRoot
  readonly #openTree: OpenTree
  #tree: ReadTree | null = null

  constructor(root: SourceRoot, openTree: OpenTree) {
    this.#root = root
    this.#openTree = openTree
  }

  /** The tree that is open now; ROOT_MISSING where none is. */
  get tree(): ReadTree {
    if (this.#tree === null) throw this.#error('ROOT_MISSING', 'the folder is not there')
    return this.#tree
  }

  /** Opens the root anew and gives what it is. ROOT_MISSING, ROOT_CHANGED (`known` is another), NO_PERMISSION. */
  open(known: KnownRoot | null): KnownRoot {
    this.close()
    const tree = this.#openTree(this.#root.path)
    try {
      const found = this.#check(tree, known)
      this.#tree = tree
      return found
    } catch (thrown) {
      tree.close()
      throw thrown
    }
  }

  /** Throws where the open root is no longer the one under its path, or not `known`. */
  check(known: KnownRoot | null): void {
    this.#check(this.tree, known)
  }

  close(): void {
    this.#tree?.close()
    this.#tree = null
  }

  get kinds(): AttributeKinds | null {
    return this.#root.kinds
  }

  readonly look = (path: RelPath): FileState | null | 'unreadable' => {
    const { tree } = this
    try {
      return tree.lstat(path)
    } catch (thrown) {
      return unreadable(thrown)
    }
  }

  readonly lookClosely = (path: RelPath): FileState | null | 'unreadable' => {
    const { tree, kinds } = this
    try {
      return kinds === null ? tree.lstat(path) : tree.lstatClosely(path, kinds)
    } catch (thrown) {
      return unreadable(thrown)
    }
  }

  readonly list = (folder: RelPath): readonly ByteString[] | null | 'unreadable' => {
    const { tree } = this
    try {
      return tree.list(folder)
    } catch (thrown) {
      return unreadable(thrown)
    }
  }

  /** Whether somebody has a file open for writing; false where nobody can tell. */
  readonly isBeingWritten = (path: RelPath): boolean => this.tree.isBeingWritten(path) ?? false

  #check(tree: ReadTree, known: KnownRoot | null): KnownRoot {
    const { inode, isMountPoint } = tree.identity()
    if (this.#root.requireMount && !isMountPoint) {
      throw this.#error('ROOT_MISSING', 'nothing is mounted there')
    }
    const state = tree.lstat(ROOT)
    if (state === null) throw this.#error('ROOT_MISSING', 'the folder is not there')
    const found = { inode, birthNs: state.birthNs, isMountPoint }
    if (known !== null && !isSameRoot(known, found)) {
      const reason = 'another folder lies there than the one that was journalled'
      throw new RootChanged(this.#message(reason), found)
    }
    return found
  }

  #error(code: 'ROOT_MISSING', reason: string): AppError {
    return new AppError(code, this.#message(reason))
  }

  #message(reason: string): string {
    return `cannot watch ${JSON.stringify(toText(this.#root.path).text)}: ${reason}`
  }
}

/** Only what the system says of a path: anything else is a fault of this program. */
function unreadable(thrown: unknown): 'unreadable' {
  const error = toAppError(thrown)
  if (error.code === 'INTERNAL') throw error
  return 'unreadable'
}
