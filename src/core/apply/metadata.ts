import { AppError } from '../base/errors.ts'
import type { FileState, SentState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { ApplyOptions } from './options.ts'
import type { Metadata, TargetTree, WriteHandle } from './target-tree.ts'

const SPECIAL_BITS = 0o7000

/** Whose something is. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Sets mode, owner and mtime as the policy wants them, and copes with a host where owners may not be set. */
export class MetadataWriter {
  readonly #tree: TargetTree
  readonly #options: ApplyOptions
  readonly #notice: (message: string) => void
  #ownerRefused = false

  constructor(tree: TargetTree, options: ApplyOptions, notice: (message: string) => void) {
    this.#tree = tree
    this.#options = options
    this.#notice = notice
  }

  /** Makes a path on the disk look as sent; gives whether anything had to be set. */
  apply(path: RelPath, wanted: SentState, disk: FileState): boolean {
    const change = this.#difference(wanted, disk, this.#options.mode)
    if (change === null) return false
    this.#set(change, (metadata) => this.#tree.setMetadata(path, wanted.type, metadata))
    return true
  }

  /** Sets everything on a file that was just written. */
  applyNew(handle: WriteHandle, wanted: SentState): void {
    const mode = this.newMode(wanted)
    const change = this.#difference({ ...wanted, mode }, handle.stat(), true)
    if (change !== null) this.#set(change, (metadata) => handle.setMetadata(metadata))
  }

  /** Makes a file that has everything from the start; `owner` is whose new files are as a rule. */
  createNew(wanted: SentState, owner: Owner, create: (metadata: Metadata) => void): void {
    const isSame = wanted.uid === owner.uid && wanted.gid === owner.gid
    const change = { owner: isSame || !this.#setsOwner() ? null : ownerOf(wanted) }
    this.#set({ ...change, mode: this.newMode(wanted), mtimeNs: wanted.mtimeNs }, create)
  }

  /** Tells whether what was placed belongs to somebody else than it should. */
  hasOtherOwner(wanted: SentState, disk: FileState): boolean {
    return this.#setsOwner() && (wanted.uid !== disk.uid || wanted.gid !== disk.gid)
  }

  /** Sets everything on what was just made under a path. */
  applyNewPath(path: RelPath, wanted: SentState, disk: FileState): void {
    const mode = this.newMode(wanted)
    const change = this.#difference({ ...wanted, mode }, disk, true)
    if (change !== null)
      this.#set(change, (metadata) => this.#tree.setMetadata(path, wanted.type, metadata))
  }

  /** The mode that something new gets: as sent, or an ordinary one where the policy does not send modes. */
  newMode(wanted: SentState): number {
    if (this.#options.mode) return wanted.mode
    return wanted.type === 'directory' ? 0o755 : 0o644
  }

  // The owner goes first and clears set-id bits, so the mode goes with it.
  #difference(wanted: SentState, disk: FileState, withMode: boolean): Metadata | null {
    const owner = this.hasOtherOwner(wanted, disk) ? ownerOf(wanted) : null
    const isLost = owner !== null && (wanted.mode & SPECIAL_BITS) !== 0
    const setsMode = withMode && wanted.type !== 'symlink'
    const mode = setsMode && (wanted.mode !== disk.mode || isLost) ? wanted.mode : null
    const mtimeNs = wanted.mtimeNs === disk.mtimeNs ? null : wanted.mtimeNs
    return owner === null && mode === null && mtimeNs === null ? null : { owner, mode, mtimeNs }
  }

  #setsOwner(): boolean {
    return this.#options.owner !== 'off' && !this.#ownerRefused
  }

  #set(change: Metadata, set: (metadata: Metadata) => void): void {
    try {
      set(change)
    } catch (thrown) {
      if (change.owner === null || !isRefusal(thrown)) throw thrown
      // The owner goes first, so nothing was set yet.
      set({ ...change, owner: null })
      this.#refuseOwner()
    }
  }

  #refuseOwner(): void {
    this.#ownerRefused = true
    this.#notice('owners cannot be set here: the agent has not the right; files keep its own')
  }
}

function ownerOf({ uid, gid }: SentState): Owner {
  return { uid, gid }
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code === 'NO_PERMISSION'
}
