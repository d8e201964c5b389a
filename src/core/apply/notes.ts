import type { ErrorCode } from '../base/errors.ts'

/** What a place holds less of than was sent. The path is applied all the same; each note says one thing that it lacks. */
export type Note = Extract<
  ErrorCode,
  | 'XATTRS_UNSUPPORTED'
  | 'XATTRS_REFUSED'
  | 'XATTRS_TOO_LARGE'
  | 'XATTRS_UNREADABLE'
  | 'ACLS_UNSUPPORTED'
  | 'ACLS_REFUSED'
  | 'ACLS_UNREADABLE'
>

/** What is said the first time. */
export const NOTICES: Readonly<Record<Note, string>> = {
  XATTRS_UNSUPPORTED: 'extended attributes are not held by the file system here: files go without',
  XATTRS_REFUSED: 'extended attributes cannot all be set here: the agent has not the right',
  XATTRS_TOO_LARGE: 'extended attributes are too large: such files go without some of them',
  XATTRS_UNREADABLE: 'extended attributes cannot be read at the source: files keep what they have',
  ACLS_UNSUPPORTED: 'access lists are not held by the file system here: modes are narrowed instead',
  ACLS_REFUSED: 'access lists cannot be set here: the agent has not the right; modes are narrowed',
  ACLS_UNREADABLE: 'access lists cannot be read at the source: files keep what they have',
}
