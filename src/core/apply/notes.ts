import type { ErrorCode } from '../base/errors.ts'
import type { RelPath } from '../path/rel-path.ts'

/** What a place holds less of than was sent. The path is applied all the same; each note says one thing that it lacks. */
export type Note = Extract<
  ErrorCode,
  | 'CONFLICT'
  | 'KEPT'
  | 'OWNER_REFUSED'
  | 'OWNER_UNKNOWN'
  | 'TYPE_UNSUPPORTED'
  | 'LINKS_UNSUPPORTED'
  | 'XATTRS_UNSUPPORTED'
  | 'XATTRS_REFUSED'
  | 'XATTRS_TOO_LARGE'
  | 'XATTRS_UNREADABLE'
  | 'ACLS_UNSUPPORTED'
  | 'ACLS_REFUSED'
  | 'ACLS_UNREADABLE'
>

/** Most paths lack nothing. */
export const NOTHING_LACKS: readonly Note[] = []

/** How many paths of a binding lack something. */
interface NoteCount {
  readonly code: Note
  readonly count: number
}

/** A path that lacks something, and the version of it that was applied. */
export interface NotedPath {
  readonly seq: number
  readonly path: RelPath
  readonly code: Note
}

/** What a binding as a whole holds less of than was sent. */
export interface TargetNotes {
  /** In order of code, without those that no path has. */
  readonly counts: readonly NoteCount[]
  /** The paths applied last, the newest first, at most a hundred. */
  readonly newest: readonly NotedPath[]
}

export const NO_NOTES: TargetNotes = { counts: [], newest: [] }

/** What is said the first time, and shown with the counts. */
export const NOTICES: Readonly<Record<Note, string>> = {
  CONFLICT:
    'several sources have different files at one path; those that others went before are kept aside',
  KEPT: 'what lay there before is kept, as a person decided',
  OWNER_REFUSED: 'owners are not set, because the agent has not the right to',
  OWNER_UNKNOWN: 'an owner without an account here is the number that the source has for it',
  TYPE_UNSUPPORTED: 'links and fifos that the file system does not hold are left out',
  LINKS_UNSUPPORTED: 'names of one file are files of their own, as no more can be linked here',
  XATTRS_UNSUPPORTED: 'the file system does not hold extended attributes',
  XATTRS_REFUSED: 'the agent has not the right to set all extended attributes',
  XATTRS_TOO_LARGE: 'extended attributes are larger than what travels or the file system holds',
  XATTRS_UNREADABLE: 'the source cannot read the extended attributes',
  ACLS_UNSUPPORTED: 'the file system does not hold access lists, so modes are narrowed',
  ACLS_REFUSED: 'the agent has not the right to set access lists, so modes are narrowed',
  ACLS_UNREADABLE: 'the source cannot read the access lists',
}
