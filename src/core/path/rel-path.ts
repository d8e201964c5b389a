import type { ByteString } from '../base/byte-string.ts'
import { type Result, failure, success } from '../base/result.ts'

/**
 * A path below a root, as bytes: names joined by `/`, no empty name, no `.` or `..`, no NUL. The empty path is the
 * root itself. Only `parseRelPath` and the functions here make one.
 */
export type RelPath = ByteString & { readonly kind: 'RelPath' }

export const ROOT = '' as RelPath

/** The folder below a target root that staging uses; invisible on both sides, so it is never sent or deleted. */
export const STAGING_NAME = '.cd-staging' as ByteString

const STAGING = STAGING_NAME as RelPath

const NAME_BYTES_MAX = 255
const PATH_BYTES_MAX = 4096

/** Takes bytes from a peer or the disk; refuses with PATH_INVALID whatever could leave the root. */
export function parseRelPath(bytes: ByteString): Result<RelPath> {
  if (bytes === '') return success(ROOT)
  if (bytes.length > PATH_BYTES_MAX) return failure('PATH_INVALID', 'a path is over 4096 bytes')
  for (const name of bytes.split('/')) {
    if (!isName(name))
      return failure('PATH_INVALID', `path ${JSON.stringify(bytes)} holds an invalid name`)
  }
  return success(bytes as RelPath)
}

function isName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    name.length <= NAME_BYTES_MAX &&
    !name.includes('\0')
  )
}

/** The path of a name within a folder. The name comes from a directory listing. */
export function child(folder: RelPath, name: ByteString): RelPath {
  return (folder === '' ? name : `${folder}/${name}`) as RelPath
}

/** The folder that holds a path; null for the root. */
export function parent(path: RelPath): RelPath | null {
  if (path === '') return null
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as RelPath
}

/** The last name of a path; empty for the root. */
export function basename(path: RelPath): ByteString {
  return path.slice(path.lastIndexOf('/') + 1) as ByteString
}

/** Tells whether a path lies strictly below a folder. */
export function isBelow(path: RelPath, folder: RelPath): boolean {
  if (folder === '') return path !== ''
  return (
    path.length > folder.length &&
    path.startsWith(folder) &&
    path.charCodeAt(folder.length) === 0x2f
  )
}

/** Moves a path from below one folder to below another. The path must be `from` itself or lie below it. */
export function rebase(path: RelPath, from: RelPath, to: RelPath): RelPath {
  if (path === from) return to
  return child(to, path.slice(from === '' ? 0 : from.length + 1) as ByteString)
}

/** Tells whether a path is or lies in the staging folder. */
export function isStaging(path: RelPath): boolean {
  return path.startsWith(STAGING_NAME) && (path === STAGING_NAME || isBelow(path, STAGING))
}
