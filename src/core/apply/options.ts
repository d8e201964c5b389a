import type { RelPath } from '../path/rel-path.ts'
import type { Accounts } from './accounts.ts'
import type { IndexStore } from './index-store.ts'
import type { Siblings } from './siblings.ts'
import type { Hasher, TargetTree } from './target-tree.ts'

/** How the policy wants a binding applied. */
export interface ApplyOptions {
  readonly deletes: 'mirror' | 'keep'
  readonly deleteExcluded: boolean
  readonly firstContact: 'hold' | 'adopt' | 'replace'
  /** With `name`, the names that come with entries say whose a path is, else the numbers. */
  readonly owner: 'id' | 'name' | 'off'
  readonly mode: boolean
  /** Whether extended attributes, and access lists, are made what entries say of them. */
  readonly xattrs: boolean
  readonly acls: boolean
  /** Whether names of one file at the source are names of one file here. */
  readonly hardLinks: boolean
  /** Whether stretches of zeros become holes. */
  readonly sparse: boolean
  /** Content is refused where a file would leave less of the file system free than this. */
  readonly minFreePercent: number
}

/** How full the file system of the root is. */
export interface FreeSpace {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** Everything the machine works with. */
export interface ApplyDependencies {
  readonly tree: TargetTree
  readonly index: IndexStore
  readonly siblings: Siblings
  readonly options: ApplyOptions
  readonly bindingId: string
  /** The staging folder of this binding. */
  readonly staging: RelPath
  readonly createHasher: () => Hasher
  readonly freeSpace: () => FreeSpace
  /** Users and groups of this host, as they are now. */
  readonly accounts: () => Accounts
  /** The wall clock of this host. */
  readonly nowMs: () => number
  /** Tells whether the filter lets a path through; what it does not is never touched. */
  readonly isVisible: (path: RelPath, isDirectory: boolean) => boolean
  /** Said once: something that this target cannot hold. */
  readonly notice: (message: string) => void
}
