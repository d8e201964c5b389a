import { AppError } from '../base/errors.ts'
import { shownMode } from '../change/access-list.ts'
import { listsOf } from '../change/attributes.ts'
import type { FileState, SentState } from '../change/entry.ts'
import type { RelPath } from '../path/rel-path.ts'
import { AttributeWriter } from './attribute-writer.ts'
import { NOTHING_LACKS, NOTICES, type Note } from './notes.ts'
import type { ApplyDependencies, ApplyOptions } from './options.ts'
import type { Metadata, MetadataHandle, TargetTree, WriteHandle } from './target-tree.ts'

const SPECIAL_BITS = 0o7000

/** A file system with less than this free is taken for full. */
const FULL_BYTES = 1 << 20

/** Whose something is. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** What came of making a path look as sent. */
export interface AppliedMetadata {
  /** Whether anything had to be set. */
  readonly isChanged: boolean
  /** What this place cannot hold of it; of owners `lacksOwner` tells. */
  readonly notes: readonly Note[]
}

const UNCHANGED: AppliedMetadata = { isChanged: false, notes: NOTHING_LACKS }
const CHANGED: AppliedMetadata = { isChanged: true, notes: NOTHING_LACKS }

/** What is to be set on a path, and what it is to have in the end. */
interface Change {
  readonly wanted: SentState
  readonly disk: FileState
  /** Whether the mode is set at all. */
  readonly setsMode: boolean
}

/** Sets owner, attributes, mode and mtime as the policy wants them, and copes with a place that cannot hold them all. */
export class MetadataWriter {
  readonly #tree: TargetTree
  readonly #options: ApplyOptions
  readonly #notice: (message: string) => void
  /** Null where the policy leaves attributes alone. */
  readonly #attributes: AttributeWriter | null
  #ownerRefused = false
  readonly #said = new Set<Note>()

  constructor(deps: Pick<ApplyDependencies, 'tree' | 'options' | 'notice' | 'freeSpace'>) {
    const { tree, options, notice, freeSpace } = deps
    this.#tree = tree
    this.#options = options
    this.#notice = notice
    const isDiskFull = () => freeSpace().freeBytes < FULL_BYTES
    const hasAttributes = options.xattrs || options.acls
    this.#attributes = hasAttributes ? new AttributeWriter(options, isDiskFull) : null
  }

  /** Makes a path on the disk look as sent. */
  apply(path: RelPath, wanted: SentState, disk: FileState): AppliedMetadata {
    const setsMode = this.#options.mode && wanted.type !== 'symlink'
    return this.#applyPath(path, { wanted, disk, setsMode })
  }

  /** Sets everything on a file that was just written. */
  applyNew(handle: WriteHandle, wanted: SentState): AppliedMetadata {
    const change = { wanted: this.#asNew(wanted), disk: handle.stat(), setsMode: true }
    return this.#applyOpen(handle, change)
  }

  /** Makes a file that has everything from the start; `owner` is whose new files are as a rule. */
  createNew(wanted: SentState, owner: Owner, create: (metadata: Metadata) => void): void {
    const isSame = wanted.uid === owner.uid && wanted.gid === owner.gid
    const change = { owner: isSame || !this.#setsOwner() ? null : ownerOf(wanted) }
    this.#set({ ...change, mode: this.newMode(wanted), mtimeNs: wanted.mtimeNs }, create)
  }

  /** Tells whether something in place does not look as sent; of attributes it does not tell. */
  differs(wanted: SentState, disk: FileState): boolean {
    const setsMode = this.#options.mode && wanted.type !== 'symlink'
    return this.#difference({ wanted, disk, setsMode }) !== null
  }

  /** Tells whether a file has attributes to be made what was sent, and so cannot have everything from the start. */
  concernsAttributes(wanted: SentState): boolean {
    return this.#attributes?.concerns(wanted) === true
  }

  /** Tells whether what was placed belongs to somebody else than it should. */
  hasOtherOwner(wanted: SentState, disk: FileState): boolean {
    return this.#setsOwner() && isOfOther(wanted, disk)
  }

  /** Tells whether something belongs to somebody else than it should and there is nothing to be done about it. */
  lacksOwner(wanted: SentState, disk: FileState): boolean {
    return this.#ownerRefused && isOfOther(wanted, disk)
  }

  /** Sets everything on what was just made under a path. */
  applyNewPath(path: RelPath, wanted: SentState, disk: FileState): AppliedMetadata {
    const setsMode = wanted.type !== 'symlink'
    return this.#applyPath(path, { wanted: this.#asNew(wanted), disk, setsMode })
  }

  /** The mode that something new gets: as sent, else that of its access list, else an ordinary one. */
  newMode(wanted: SentState): number {
    if (this.#options.mode) return wanted.mode
    const list = this.#options.acls ? (listsOf(wanted.attributes)?.access ?? null) : null
    if (list !== null) return shownMode(list)
    return wanted.type === 'directory' ? 0o755 : 0o644
  }

  #asNew(wanted: SentState): SentState {
    return { ...wanted, mode: this.newMode(wanted) }
  }

  #applyPath(path: RelPath, change: Change): AppliedMetadata {
    const { wanted } = change
    if (this.#attributes?.concerns(wanted) === true) {
      const handle = this.#tree.openMetadata(path, wanted.type)
      try {
        return this.#applyAll(handle, change, this.#attributes)
      } finally {
        handle.close()
      }
    }
    return this.#applyStat(change, (metadata) =>
      this.#tree.setMetadata(path, wanted.type, metadata),
    )
  }

  #applyOpen(handle: WriteHandle, change: Change): AppliedMetadata {
    if (this.#attributes?.concerns(change.wanted) === true)
      return this.#applyAll(handle, change, this.#attributes)
    return this.#applyStat(change, (metadata) => handle.setMetadata(metadata))
  }

  #applyStat(change: Change, set: (metadata: Metadata) => void): AppliedMetadata {
    const metadata = this.#difference(change)
    if (metadata === null) return UNCHANGED
    this.#set(metadata, set)
    return CHANGED
  }

  // A change of owner clears privileges among the attributes, and an access list goes before the mode that is its mask.
  #applyAll(handle: MetadataHandle, change: Change, attributes: AttributeWriter): AppliedMetadata {
    const { wanted, disk, setsMode } = change
    const { owner, mode, mtimeNs } = this.#difference(change) ?? NOTHING
    const set = (metadata: Metadata) => handle.setMetadata(metadata)
    if (owner !== null) this.#set({ ...NOTHING, owner }, set)
    const written = attributes.write(handle, wanted, setsMode ? wanted.mode : disk.mode)
    for (const note of written.notes) this.say(note)
    const isModeDue = setsMode && (mode !== null || written.touchesMode)
    const rest = { owner: null, mode: isModeDue ? written.mode : null, mtimeNs }
    if (isModeDue || mtimeNs !== null) set(rest)
    const isChanged = written.isChanged || isModeDue || owner !== null || mtimeNs !== null
    return { isChanged, notes: written.notes }
  }

  // The owner goes first and clears set-id bits, so the mode goes with it.
  #difference({ wanted, disk, setsMode }: Change): Metadata | null {
    const owner = this.hasOtherOwner(wanted, disk) ? ownerOf(wanted) : null
    const isLost = owner !== null && (wanted.mode & SPECIAL_BITS) !== 0
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
      if (change.mode !== null || change.mtimeNs !== null) set({ ...change, owner: null })
      this.#ownerRefused = true
      this.say('OWNER_REFUSED')
    }
  }

  /** Says what this place cannot hold, the first time. */
  say(note: Note): void {
    if (this.#said.has(note)) return
    this.#said.add(note)
    this.#notice(NOTICES[note])
  }
}

const NOTHING: Metadata = { owner: null, mode: null, mtimeNs: null }

function ownerOf({ uid, gid }: SentState): Owner {
  return { uid, gid }
}

function isOfOther(wanted: SentState, disk: FileState): boolean {
  return wanted.uid !== disk.uid || wanted.gid !== disk.gid
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.code === 'NO_PERMISSION'
}
