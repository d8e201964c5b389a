import { type ByteString, fromText, toText } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'
import { type Result, failure, success } from '../core/base/result.ts'

/** What the host itself lets an agent touch. It is kept on the host, and nothing the master says changes it. */
export interface AllowPolicy {
  /** The folders named with `--allow`; null where none was: then everything but system folders. */
  readonly allowed: readonly ByteString[] | null
  /** The agent's data folder. It holds its private key, so nothing may contain it, `--allow` or not. */
  readonly own: ByteString
}

export interface AllowList {
  /** Gives where a root really lies, or ROOT_REFUSED. What is used afterwards must be the path given back. */
  checkRoot(path: ByteString): Result<ByteString>
  /** Gives where a folder that people want to look into really lies, or ROOT_REFUSED. */
  checkFolder(path: ByteString): Result<ByteString>
  /** Whether a folder, as a real path, may be shown to people: within what is allowed, or on the way to it. */
  mayBrowse(real: ByteString): 'all' | 'onlyTheWay' | 'no'
}

const SYSTEM_FOLDERS = ['bin', 'boot', 'dev', 'etc', 'proc', 'root', 'run', 'sbin', 'sys', 'usr']

/** Makes the checks of one host. `realPath` follows links; it throws where that is impossible. */
export function createAllowList(
  policy: AllowPolicy,
  realPath: (path: ByteString) => ByteString,
): AllowList {
  const places: Places = {
    allowed: policy.allowed?.map(realPath) ?? null,
    own: realPath(policy.own),
    // On some systems these are links themselves (/bin to /usr/bin, /etc to /private/etc).
    system: SYSTEM_FOLDERS.map((name) => realPath(fromText(`/${name}`))),
  }
  return {
    checkRoot: (path) => checkRoot(path, places, realPath),
    checkFolder: (path) => checkFolder(path, places, realPath),
    mayBrowse: (real) => mayBrowse(real, places),
  }
}

interface Places {
  readonly allowed: readonly ByteString[] | null
  readonly own: ByteString
  readonly system: readonly ByteString[]
}

function checkRoot(
  path: ByteString,
  places: Places,
  realPath: (path: ByteString) => ByteString,
): Result<ByteString> {
  const clean = cleanAbsolute(path)
  if (clean === null) return refuse(path, 'it is no absolute path without ".." in it')
  const real = follow(clean, realPath)
  if (!real.ok) return real
  if (isWithin(places.own, real.value) || isWithin(real.value, places.own)) {
    return refuse(path, "it would hold, or lie in, the agent's own folder")
  }
  if (places.allowed !== null) {
    const named = places.allowed.some((allowed) => isWithin(real.value, allowed))
    return named ? real : refuse(path, 'the host allows other folders only')
  }
  // Both forms: a link into a system folder, and a system folder that is itself a link elsewhere.
  const system = isSystem(clean, places) || isSystem(real.value, places)
  return system ? refuse(path, 'it is a system folder') : real
}

function checkFolder(
  path: ByteString,
  places: Places,
  realPath: (path: ByteString) => ByteString,
): Result<ByteString> {
  const clean = cleanAbsolute(path)
  if (clean === null) return refuse(path, 'it is no absolute path without ".." in it')
  const real = follow(clean, realPath)
  if (!real.ok || mayBrowse(real.value, places) !== 'no') return real
  return refuse(path, 'the host does not show it')
}

function follow(path: ByteString, realPath: (path: ByteString) => ByteString): Result<ByteString> {
  try {
    return success(realPath(path))
  } catch (thrown) {
    if (thrown instanceof AppError) return failure(thrown.code, thrown.message)
    throw thrown
  }
}

function mayBrowse(real: ByteString, places: Places): 'all' | 'onlyTheWay' | 'no' {
  if (isWithin(real, places.own)) return 'no'
  if (places.allowed === null) return real !== '/' && isSystem(real, places) ? 'no' : 'all'
  if (places.allowed.some((allowed) => isWithin(real, allowed))) return 'all'
  return places.allowed.some((allowed) => isWithin(allowed, real)) ? 'onlyTheWay' : 'no'
}

function isSystem(path: ByteString, places: Places): boolean {
  const first = path.split('/')[1] ?? ''
  const listed = first === '' || first.startsWith('lib') || SYSTEM_FOLDERS.includes(first)
  return listed || places.system.some((folder) => isWithin(path, folder))
}

/** Takes doubled and trailing slashes out; null where the path is not absolute or steps back. */
function cleanAbsolute(path: ByteString): ByteString | null {
  if (!path.startsWith('/') || path.includes('\0')) return null
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.includes('..') ? null : (`/${names.join('/')}` as ByteString)
}

/** Whether a path is a folder or lies below it. */
function isWithin(path: ByteString, folder: ByteString): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`)
}

function refuse(path: ByteString, why: string): Result<never> {
  return failure('ROOT_REFUSED', `cannot use ${JSON.stringify(toText(path).text)}: ${why}`)
}
