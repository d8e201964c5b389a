import type { ByteString } from '../base/byte-string.ts'
import { AppError } from '../base/errors.ts'
import { modeWithoutList, plainList } from '../change/access-list.ts'
import {
  ACCESS_LIST,
  type AccessLists,
  type Attribute,
  type AttributeKinds,
  type Attributes,
  INHERITED_LIST,
  listsOf,
} from '../change/attributes.ts'
import type { SentState } from '../change/entry.ts'
import type { Note } from './notes.ts'
import type { AttributeRefusal, MetadataHandle } from './target-tree.ts'

/** What came of setting attributes. */
export interface WrittenAttributes {
  /** Whether anything was set or removed. */
  readonly isChanged: boolean
  /** Set with the access list or because of it, so that the mode must be set anew. */
  readonly touchesMode: boolean
  /** The mode that goes with what the place holds. */
  readonly mode: number
  /** What it cannot hold, and what the source could not tell. */
  readonly notes: readonly Note[]
}

type Kind = 'xattrs' | 'acls'

const NOTES: Readonly<Record<Kind, Readonly<Record<AttributeRefusal, Note>>>> = {
  xattrs: {
    unsupported: 'XATTRS_UNSUPPORTED',
    forbidden: 'XATTRS_REFUSED',
    noRoom: 'XATTRS_TOO_LARGE',
  },
  acls: { unsupported: 'ACLS_UNSUPPORTED', forbidden: 'ACLS_REFUSED', noRoom: 'ACLS_UNSUPPORTED' },
}

/**
 * Makes the attributes of a path exactly those that were sent, within the kinds that both the entry and the policy here
 * speak of. What a place cannot hold becomes a note; the rest of the path is applied all the same.
 */
export class AttributeWriter {
  readonly #kinds: AttributeKinds
  /** Whether the disk itself is full, so that a lack of room is no property of the place. */
  readonly #isDiskFull: () => boolean

  constructor(kinds: AttributeKinds, isDiskFull: () => boolean) {
    this.#kinds = kinds
    this.#isDiskFull = isDiskFull
  }

  /** Whether there is anything to do for a state. */
  concerns({ attributes }: SentState): boolean {
    const { xattrs, acls } = this.#kinds
    return (xattrs && attributes?.xattrs != null) || (acls && attributes?.acls != null)
  }

  /** `mode` is the one that the path is to have; access lists are set before it. Throws NO_SPACE on a full disk. */
  write(handle: MetadataHandle, { attributes }: SentState, mode: number): WrittenAttributes {
    const here = handle.attributes(this.#kinds)
    const work = new Work(handle, this.#isDiskFull)
    const xattrs = this.#kinds.xattrs ? (attributes?.xattrs ?? null) : null
    if (typeof xattrs === 'string') work.notes.add(xattrs)
    else if (xattrs !== null) work.replaceXattrs(here.xattrs, xattrs)
    const acls = this.#kinds.acls ? (attributes?.acls ?? null) : null
    if (typeof acls === 'string') work.notes.add(acls)
    else if (acls !== null) work.replaceLists(listsOf(here) ?? NO_LISTS, acls, mode)
    return {
      isChanged: work.isChanged,
      touchesMode: work.touchesMode,
      mode: work.mode ?? mode,
      notes: [...work.notes],
    }
  }
}

const NO_LISTS: AccessLists = { access: null, inherited: null }

/** The attributes of one path on their way. */
class Work {
  readonly notes = new Set<Note>()
  isChanged = false
  touchesMode = false
  /** Null for the one that was asked for. */
  mode: number | null = null
  readonly #handle: MetadataHandle
  readonly #isDiskFull: () => boolean

  constructor(handle: MetadataHandle, isDiskFull: () => boolean) {
    this.#handle = handle
    this.#isDiskFull = isDiskFull
  }

  replaceXattrs(here: Attributes['xattrs'], wanted: readonly Attribute[]): void {
    if (typeof here === 'string') {
      this.notes.add(here === 'XATTRS_UNREADABLE' ? 'XATTRS_REFUSED' : here)
      return
    }
    const before = new Map((here ?? []).map(({ name, value }) => [name, value]))
    const names = new Set(wanted.map(({ name }) => name))
    // What goes makes room for what comes.
    for (const name of before.keys()) if (!names.has(name)) this.#set('xattrs', name, null)
    for (const { name, value } of wanted)
      if (before.get(name) !== value) this.#set('xattrs', name, value)
  }

  replaceLists(here: AccessLists, wanted: AccessLists, mode: number): void {
    if (here.inherited !== wanted.inherited) this.#set('acls', INHERITED_LIST, wanted.inherited)
    if (here.access === wanted.access) return
    this.touchesMode = true
    // In one step with the mode, so that nobody has more rights in between.
    const isHeld = this.#set('acls', ACCESS_LIST, wanted.access ?? plainList(mode))
    if (!isHeld && wanted.access !== null) this.mode = modeWithoutList(mode, wanted.access)
  }

  #set(kind: Kind, name: ByteString, value: ByteString | null): boolean {
    const refusal = this.#handle.setAttribute(name, value)
    if (refusal === 'noRoom' && this.#isDiskFull())
      throw new AppError('NO_SPACE', `cannot set "${name}": no space left`)
    if (refusal === null) this.isChanged = true
    else this.notes.add(NOTES[kind][refusal])
    return refusal === null
  }
}
