import { readlinkSync, realpathSync } from 'node:fs'

import { type ByteString, fromBytes, toBytes } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'

/**
 * Gives where an absolute path leads once every link in it is followed. What does not exist yet is kept as named, below
 * the real path of what does. Throws NO_PERMISSION where a part may not be looked at, IO_ERROR for a circle of links or
 * a link that leads to nothing: nobody could say where such a path will lead.
 */
export function realPath(path: ByteString): ByteString {
  let existing = path as string
  let missing = ''
  for (;;) {
    const real = resolveExisting((existing === '' ? '/' : existing) as ByteString)
    if (real !== null) return join(real, missing)
    const cut = existing.lastIndexOf('/')
    missing = `${existing.slice(cut)}${missing}`
    existing = existing.slice(0, cut)
  }
}

function join(real: string, missing: string): ByteString {
  return `${real === '/' && missing !== '' ? '' : real}${missing}` as ByteString
}

/** The real path of something that exists; null where it does not. */
function resolveExisting(path: ByteString): string | null {
  try {
    return fromBytes(realpathSync(Buffer.from(toBytes(path)), 'buffer'))
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    if (code === 'ENOENT' && !isLink(path)) return null
    // A file in the middle of the path: nothing below it can exist, and what opens the path will say so.
    if (code === 'ENOTDIR') return null
    throw unresolvable(path, thrown)
  }
}

function isLink(path: ByteString): boolean {
  try {
    readlinkSync(Buffer.from(toBytes(path)), 'buffer')
    return true
  } catch {
    // Any error means that it is no link that could be read, which is the answer.
    return false
  }
}

function unresolvable(path: ByteString, thrown: unknown): AppError {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  const shown = JSON.stringify(Buffer.from(toBytes(path)).toString())
  if (code === 'EACCES')
    return new AppError('NO_PERMISSION', `cannot follow ${shown}: permission denied`, {
      cause: thrown,
    })
  const why = code === 'ELOOP' ? 'a circle of links' : 'a link in it leads nowhere'
  return new AppError('IO_ERROR', `cannot follow ${shown}: ${why}`, { cause: thrown })
}
